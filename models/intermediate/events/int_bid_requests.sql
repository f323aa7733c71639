{{ config(**full_rewrite()) }}

with

accepted as {{ read_again() }} (

    select * from {{ ref('stg_bid_requests__events') }}

    where rejection_reason is null

),

{{ standing_rows('accepted', ['event_date', 'exchange', 'auction_id']) }}

select
    source,
    exchange,
    auction_id,
    event_us,
    event_date,
    auction_type,
    timeout_ms,
    publisher_id,
    site_domain,
    app_bundle,
    device_type,
    geo_location,
    user_id,
    row_count,
    conflict_count,
    receipt_number,
    _received_at,
    _source,
    _position

from standing
