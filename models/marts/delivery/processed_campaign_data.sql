{{ config(materialized='view') }}

with

observed as (

    select * from {{ ref('int_deliveries_accepted') }}

    where spend_source = 'observed'

),

imputed as (

    select * from {{ ref('int_deliveries_imputed') }}

),

kept as (

    select
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
        spend_source,
        date_source,
        account,
        currency,
        original_spend,
        source,
        _source,
        _position,
        _received_at

    from observed

    union all

    select
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
        spend_source,
        date_source,
        account,
        currency,
        original_spend,
        source,
        _source,
        _position,
        _received_at

    from imputed

)

select
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
    spend_source,
    date_source,
    account,
    currency,
    original_spend,
    {{ ratio('clicks', 'impressions') }} as ctr,
    {{ ratio('spend', 'clicks') }} as cpc,
    {{ ratio('spend', 'impressions', times=1000) }} as cpm,
    {{ ratio('conversions', 'clicks') }} as conversion_rate,
    source,
    _source,
    _position,
    _received_at

from kept
