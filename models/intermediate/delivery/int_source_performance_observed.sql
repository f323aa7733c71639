{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(date)', 'spend_coverage'],
    pre_hook="{{ delete_changed('date', kind='campaign_delivery') }}",
    database='marts',
) }}

with

deliveries as (

    select * from {{ ref('int_deliveries_accepted') }}

    where {{ is_changed('date', kind='campaign_delivery') }}

),

-- A sum passes over the records whose spend is missing; a group of such records alone has no sums.
observed as (

    select
        source,
        account,
        campaign_id,
        ad_id,
        brand,
        country,
        date,
        case when spend is not null then impressions end as impressions,
        case when spend is not null then clicks end as clicks,
        case when spend is not null then conversions end as conversions,
        spend

    from deliveries

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
        {{ metric_sums() }},
        case when count(spend) = count(*) then 'full' else 'partial' end as spend_coverage

    from observed

    group by
        source,
        account,
        campaign_id,
        ad_id,
        brand,
        country,
        date

    having count(spend) > 0

)

select * from summed

{{ in_order_of('date') }}
