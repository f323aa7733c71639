{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(event_date)'],
    pre_hook="{{ delete_changed('event_date', kind='impressions', condition=is_changed_impression()) }}",
) }}

with

accepted as {{ read_again() if not is_incremental() }} (

    select * from {{ ref('stg_impressions__events') }}

    where
        rejection_reason is null
        and {{ is_within_changed_days('event_us', kind='impressions') }}
        and {{ is_in_file_of_changed_impression() }}
        and {{ is_changed_impression() }}

),

{{ standing_rows('accepted', ['event_date', 'impression_id']) }}

select
    source,
    impression_id,
    has_own_id,
    ad_id,
    campaign_id,
    publisher_id,
    user_id,
    event_us,
    event_date,
    device_type,
    geo_location,
    platform,
    ad_type,
    bid_price,
    site_domain,
    auction_id,
    imp_id,
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
