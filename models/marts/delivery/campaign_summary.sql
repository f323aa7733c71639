{{ config(**full_rewrite()) }}

with

performances as (

    select * from {{ ref('campaign_performance') }}

),

summed as (

    select
        campaign_id,
        {{ metric_sums(prefix='total_') }}

    from performances

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
