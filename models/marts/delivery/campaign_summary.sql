{{ config(**full_rewrite()) }}

with

campaign_days as (

    select * from {{ ref('int_campaign_days') }}

),

summed as (

    select
        campaign_id,
        {{ metric_sums(prefix='total_') }}

    from campaign_days

    group by campaign_id

)

select
    campaign_id,
    total_impressions,
    total_clicks,
    total_spend,
    total_conversions,
    {{ delivery_rates(prefix='total_') }}

from summed
