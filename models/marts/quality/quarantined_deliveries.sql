{{ config(**full_rewrite()) }}

with

breaking_a_rule as (

    select * from {{ ref('int_deliveries_quarantined') }}

),

missing_spend as (

    select * from {{ ref('int_deliveries_accepted') }}

    where spend_source = 'missing'

),

medians as (

    select * from {{ ref('int_spend_medians') }}

),

without_median as (

    select
        'no_median' as reason,
        missing_spend.*

    from missing_spend

    left join medians
        on
            missing_spend.ad_id = medians.ad_id
            and missing_spend.brand = medians.brand
            and missing_spend.country = medians.country

    where medians.imputed_spend is null

),

unioned as (

    select
        reason,
        campaign_id,
        ad_id,
        date,
        brand,
        country,
        state,
        city,
        zipcode,
        impressions,
        clicks,
        spend,
        conversions,
        account,
        currency,
        source,
        _source,
        _position,
        _received_at

    from breaking_a_rule

    union all

    select
        reason,
        campaign_id,
        ad_id,
        date,
        brand,
        country,
        state,
        city,
        zipcode,
        impressions,
        clicks,
        spend,
        conversions,
        account,
        currency,
        source,
        _source,
        _position,
        _received_at

    from without_median

)

select * from unioned
