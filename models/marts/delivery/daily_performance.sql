{{ config(**full_rewrite()) }}

with

performances as (

    select * from {{ ref('campaign_performance') }}

),

summed as (

    select
        date,
        brand,
        country,
        {{ metric_sums() }}

    from performances

    group by
        date,
        brand,
        country

)

select
    *,
    {{ delivery_rates() }}

from summed
