{{ config(materialized='view') }}

with

impressions as (

    select * from {{ ref('int_impressions') }}

),

floods as (

    select * from {{ ref('int_impressions_flooded') }}

    where impressions > 0

)

select
    impressions.*,
    case when floods.user_id is not null then 'impression_flood' end as invalid_reason

from impressions

left join floods
    on
        impressions.user_id = floods.user_id
        and {{ whole_units('impressions.event_us', 3600000000) }} = floods.event_hour
