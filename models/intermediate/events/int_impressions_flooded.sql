{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed('event_date', kind='impressions') }}",
) }}

with

impressions as (

    select * from {{ ref('int_impressions') }}

    where user_id is not null and {{ is_changed('event_date', kind='impressions') }}

),

hourly as (

    select
        user_id,
        event_date,
        {{ whole_units('event_us', 3600000000) }} as event_hour,
        count(*) as impressions

    from impressions

    group by
        user_id,
        event_date,
        {{ whole_units('event_us', 3600000000) }}

    having count(*) > {{ var('most_impressions_an_hour') }}

)

select * from hourly
