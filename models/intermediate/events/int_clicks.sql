{{ config(**full_rewrite()) }}

with

accepted as {{ read_again() }} (

    select * from {{ ref('stg_clicks__events') }}

    where rejection_reason is null

),

{{ standing_rows('accepted', ['click_id']) }}

select
    source,
    click_id,
    has_own_id,
    impression_id,
    ad_id,
    campaign_id,
    publisher_id,
    user_id,
    event_us,
    event_date,
    device_type,
    geo_location,
    platform,
    click_price,
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
