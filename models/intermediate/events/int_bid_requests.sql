{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(event_date)'],
    pre_hook="{{ delete_changed('event_date', kind='bid_requests') }}",
) }}

with

-- Kept in memory, because its JSON is parsed for each time it is read.
accepted as (

    select * from {{ ref('stg_bid_requests__events') }}

    where rejection_reason is null and {{ is_changed('event_date', kind='bid_requests') }}

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
    standing_payload,
    conflicting_payload,
    conflicting_source,
    conflicting_position,
    receipt_number,
    _received_at,
    _source,
    _position

from standing
