{{ config(**full_rewrite()) }}

with

observed as (

    select * from {{ ref('int_campaign_days_observed') }}

),

imputed as (

    select * from {{ ref('int_deliveries_imputed') }}

),

unioned as (

    select
        campaign_id,
        impressions,
        clicks,
        conversions,
        spend

    from observed

    union all

    select
        campaign_id,
        impressions,
        clicks,
        conversions,
        spend

    from imputed

),

summed as (

    select
        campaign_id,
        {{ metric_sums(prefix='total_') }}

    from unioned

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
