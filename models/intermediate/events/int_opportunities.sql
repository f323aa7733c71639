{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(event_date)'],
    pre_hook="{{ delete_changed('event_date', kind='bid_requests') }}",
) }}

with

requests as (

    select * from {{ ref('int_bid_requests') }}

    where {{ is_changed('event_date', kind='bid_requests') }}

),

imps as (

    select * from {{ ref('stg_bid_requests__imps') }}

),

places as (

    select * from {{ ref('int_places') }}

),

device_types as (

    select * from {{ ref('device_types') }}

)

select
    {{ opportunity_id('requests.exchange', 'requests.auction_id', 'imps.imp_id', 'requests.event_date') }}
        as opportunity_id,
    requests.exchange,
    requests.auction_id,
    imps.imp_id,
    requests.event_us,
    requests.event_date,
    {{ report_date('requests.event_us') }} as report_date,
    requests.publisher_id,
    requests.site_domain,
    requests.app_bundle,
    coalesce(device_types.device_type, requests.device_type) as device_type,
    coalesce(places.place, requests.geo_location) as geo_location,
    imps.floor_price

from requests

inner join imps
    on requests._source = imps._source and requests._position = imps._position

left join places
    on requests.geo_location = places.written_place

left join device_types
    on requests.device_type = device_types.code
