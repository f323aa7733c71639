{{ config(database='marts', **full_rewrite()) }}

with

observed as (

    select * from {{ ref('int_creative_performance_observed') }}

    where spend_coverage = 'partial'

),

imputed as (

    select * from {{ ref('int_deliveries_imputed') }}

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

    from imputed

),

summed as (

    select
        ad_id,
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date,
        {{ metric_sums() }}

    from unioned

    group by
        ad_id,
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date

)

select * from summed
