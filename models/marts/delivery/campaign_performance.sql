{{ config(materialized='view') }}

with

observed as (

    select * from {{ ref('int_campaign_performance_observed') }}

    where spend_coverage = 'full'

),

completed as (

    select * from {{ ref('int_campaign_performance_completed') }}

),

unioned as (

    select
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
