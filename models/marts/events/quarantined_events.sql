{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed_events() }}",
) }}

with

impressions as (

    select
        'impressions' as kind,
        rejection_reason as reason,
        impression_id as event_id,
        event_us,
        ad_id,
        campaign_id,
        bid_price as price,
        source,
        _source,
        _position,
        _received_at

    from {{ ref('stg_impressions__events') }}

    where rejection_reason is not null and {{ is_changed('_source', kind='impressions') }}

),

clicks as (

    select
        'clicks' as kind,
        rejection_reason as reason,
        click_id as event_id,
        event_us,
        ad_id,
        campaign_id,
        click_price as price,
        source,
        _source,
        _position,
        _received_at

    from {{ ref('stg_clicks__events') }}

    where rejection_reason is not null and {{ is_changed('_source', kind='clicks') }}

),

conversions as (

    select
        'conversions' as kind,
        rejection_reason as reason,
        conversion_id as event_id,
        event_us,
        cast(null as varchar) as ad_id,
        campaign_id,
        original_value as price,
        source,
        _source,
        _position,
        _received_at

    from {{ ref('stg_conversions__events') }}

    where rejection_reason is not null and {{ is_changed('_source', kind='conversions') }}

),

bid_requests as (

    select
        'bid_requests' as kind,
        rejection_reason as reason,
        auction_id as event_id,
        event_us,
        cast(null as varchar) as ad_id,
        cast(null as varchar) as campaign_id,
        original_floor_price as price,
        source,
        _source,
        _position,
        _received_at

    from {{ ref('stg_bid_requests__events') }}

    where rejection_reason is not null and {{ is_changed('_source', kind='bid_requests') }}

),

bids as (

    select
        'bids' as kind,
        rejection_reason as reason,
        auction_id as event_id,
        event_us,
        ad_id,
        campaign_id,
        original_bid_price as price,
        source,
        _source,
        _position,
        _received_at

    from {{ ref('stg_bids__events') }}

    where rejection_reason is not null and {{ is_changed('_source', kind='bids') }}

),

unioned as (

    select * from impressions

    union all

    select * from clicks

    union all

    select * from conversions

    union all

    select * from bid_requests

    union all

    select * from bids

)

select
    kind,
    reason,
    event_id,
    {{ utc_time('event_us') }} as event_time,
    ad_id,
    campaign_id,
    price,
    source,
    _source,
    _position,
    _received_at

from unioned
