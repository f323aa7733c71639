{{ config(**full_rewrite()) }}

with

clicks as (

    select * from {{ ref('int_clicks_flagged') }}

    where orphan_reason is not null

),

places as (

    select * from {{ ref('int_places') }}

)

select
    clicks.click_id,
    clicks.impression_id,
    {{ utc_time('clicks.event_us') }} as event_time,
    {{ report_date('clicks.event_us') }} as report_date,
    clicks.orphan_reason,
    clicks.invalid_reason,
    clicks.ad_id,
    clicks.campaign_id,
    clicks.publisher_id,
    clicks.user_id,
    clicks.device_type,
    coalesce(places.place, clicks.geo_location) as geo_location,
    clicks.platform,
    clicks.click_price,
    clicks.source,
    clicks._source,
    clicks._position

from clicks

left join places
    on clicks.geo_location = places.written_place
