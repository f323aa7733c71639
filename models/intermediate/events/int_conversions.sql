{{ config(**full_rewrite()) }}

with

accepted as {{ read_again() }} (

    select * from {{ ref('stg_conversions__events') }}

    where rejection_reason is null

),

{{ standing_rows('accepted', ['conversion_type', 'conversion_id']) }}

select
    source,
    conversion_id,
    has_own_id,
    user_id,
    campaign_id,
    event_us,
    event_date,
    conversion_type,
    conversion_value,
    original_value,
    currency,
    conversion_count,
    click_id,
    impression_id,
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
