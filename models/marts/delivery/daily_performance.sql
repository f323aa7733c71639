{{ config(**full_rewrite()) }}

with

observed as (

    select * from {{ ref('int_daily_performance_observed') }}

),

imputed as (

    select * from {{ ref('int_deliveries_imputed') }}

),

unioned as (

    select
        date,
        brand,
        country,
        impressions,
        clicks,
        conversions,
        spend

    from observed

    union all

    select
        date,
        brand,
        country,
        impressions,
        clicks,
        conversions,
        spend

    from imputed

),

summed as (

    select
        date,
        brand,
        country,
        {{ metric_sums() }}

    from unioned

    group by
        date,
        brand,
        country

)

select
    *,
    {{ delivery_rates() }}

from summed

{{ in_order_of('date') }}
