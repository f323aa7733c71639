{{ config(materialized='view') }}

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
        date,
        impressions,
        clicks,
        conversions,
        spend

    from observed

    union all

    select
        campaign_id,
        date,
        impressions,
        clicks,
        conversions,
        spend

    from imputed

)

select
    campaign_id,
    date,
    {{ metric_sums() }}

from unioned

group by
    campaign_id,
    date
