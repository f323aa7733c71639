{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(date)', 'spend_source'],
    pre_hook="{{ delete_changed('_source', kind='campaign_delivery') }}",
    database='marts',
) }}

with

records as (

    select * from {{ ref('stg_campaign_delivery__records') }}

)

select
    campaign_id,
    ad_id,
    date,
    date_source,
    brand,
    country,
    state,
    city,
    zipcode,
    impressions,
    clicks,
    -- Wider ones are out of range; the cast may come before the filter.
    try_cast(conversions as decimal(18, 6)) as conversions,
    try_cast(spend as decimal(18, 6)) as spend,
    case when spend is null then 'missing' else 'observed' end as spend_source,
    account,
    currency,
    try_cast(original_spend as decimal(18, 6)) as original_spend,
    source,
    _source,
    _position,
    _received_at

from records

where rejection_reason is null and {{ is_changed('_source', kind='campaign_delivery') }}
