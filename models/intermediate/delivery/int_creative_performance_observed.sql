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
        ad_id,
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date,
        case when spend is not null then impressions end as impressions,
        case when spend is not null then clicks end as clicks,
        case when spend is not null then conversions end as conversions,
        spend

    from deliveries

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
        {{ metric_sums() }},
        case
            when count(spend) = count(*) then 'full'
            when count(spend) > 0 then 'partial'
            else 'none'
        end as spend_coverage

    from observed

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

{{ in_order_of('date') }}
