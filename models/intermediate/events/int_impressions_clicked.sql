{{ config(materialized='view') }}

with

clicks as (

    select * from {{ ref('int_clicks_flagged') }}

    where matched_impression_id is not null

),

summed as (

    select
        matched_impression_id as impression_id,
        matched_impression_date as impression_date,
        count(*) as clicks,
        count(case when invalid_reason is null then 1 end) as net_clicks,
        min(event_us) as first_click_us,
        min(case when invalid_reason is null then elapsed_us end) as engagement_us,
        -- An impression has at most one net click.
        max(case when invalid_reason is null then click_price end) as click_revenue,
        max(_received_at) as _received_at

    from clicks

    group by
        matched_impression_id,
        matched_impression_date

)

select * from summed
