{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed('_source', kind='campaign_delivery') }}",
) }}

with

records as (

    select * from {{ ref('stg_campaign_delivery__records') }}

)

select
    rejection_reason as reason,
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
    conversions,
    original_spend as spend,
    account,
    currency,
    source,
    _source,
    _position,
    _received_at

from records

where rejection_reason is not null and {{ is_changed('_source', kind='campaign_delivery') }}
