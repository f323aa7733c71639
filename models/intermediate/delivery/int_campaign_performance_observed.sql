-- depends_on: {{ ref('int_delivery_sources') }}
-- depends_on: {{ ref('int_delivery_source_days') }}
{{ config(**kept_apart('remove_changed_dates')) }}

with

deliveries as (

    select * from {{ ref('int_deliveries_observed') }}

),

summed as (

    select
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(spend) as decimal(38, 6)) as spend

    from deliveries

    {% if is_incremental() %}
        where {{ of_changed_dates() }}
    {% endif %}

    group by
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date

)

select * from summed
