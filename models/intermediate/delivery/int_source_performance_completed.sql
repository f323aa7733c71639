{{ config(database='marts', **full_rewrite()) }}

with

observed as (

    select * from {{ ref('int_source_performance_observed') }}

    where spend_coverage = 'partial'

),

imputed as (

    select * from {{ ref('int_deliveries_imputed') }}

),

unioned as (

    select
        source,
        account,
        campaign_id,
        ad_id,
        brand,
        country,
        date,
        impressions,
        clicks,
        conversions,
        spend

    from observed

    union all

    select
        source,
        account,
        campaign_id,
        ad_id,
        brand,
        country,
        date,
        impressions,
        clicks,
        conversions,
        spend

    from imputed

),

summed as (

    select
        source,
        account,
        campaign_id,
        ad_id,
        brand,
        country,
        date,
        {{ metric_sums() }}

    from unioned

    group by
        source,
        account,
        campaign_id,
        ad_id,
        brand,
        country,
        date

)

select * from summed
