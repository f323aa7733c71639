{{ config(**full_rewrite()) }}

with

clicks as (

    select * from {{ ref('int_clicks_flagged') }}

    where orphan_reason is not null

)

select
    click_id,
    impression_id,
    {{ utc_time('event_us') }} as event_time,
    {{ report_date('event_us') }} as report_date,
    orphan_reason,
    invalid_reason,
    ad_id,
    campaign_id,
    publisher_id,
    user_id,
    device_type,
    geo_location,
    platform,
    click_price,
    source,
    _source,
    _position

from clicks
