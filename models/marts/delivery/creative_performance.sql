{{ config(materialized='view') }}

with

observed as (

    select * from {{ ref('int_creative_performance_observed') }}

    where spend_coverage = 'full'

),

completed as (

    select * from {{ ref('int_creative_performance_completed') }}

),

unioned as (

    select
        ad_id,
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date,
        impressions,
        clicks,
        conversions,
        spend

    from observed

    union all

    select
        ad_id,
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date,
        impressions,
        clicks,
        conversions,
        spend

    from completed

)

select
    *,
    {{ delivery_rates() }}

from unioned
