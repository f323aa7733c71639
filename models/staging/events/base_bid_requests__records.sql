with

records as (

    select * from {{ source('raw', 'bid_requests') }}

),

-- The first floor of a request that breaks a rule, and a currency from which its floors are converted.
floors as (

    select
        _source,
        _position,
        _dlt_load_id,
        rejection_reason,
        case when rejection_reason is not null then original_floor_price end as original_floor_price,
        max(case when currency <> '{{ warehouse_currency() }}' then currency end) over (
            partition by _source, _dlt_load_id, _position
        ) as currency,
        row_number() over (
            partition by _source, _dlt_load_id, _position
            order by case when rejection_reason is null then 1 else 0 end, imp_place
        ) as place

    from {{ ref('base_bid_requests__imps') }}

    where rejection_reason is not null or currency <> '{{ warehouse_currency() }}'

),

typed as (

    select
        records.source,
        coalesce(records.exchange, '') as exchange,
        records.id as auction_id,
        records.timestamp as event_us,
        records.at as auction_type,
        records.tmax as timeout_ms,
        coalesce(records.test, false) as is_test,
        records.test as said_test,
        records.imp as imps,
        records.site as site_json,
        records.app as app_json,
        records.device as device_json,
        records.geo as geo_json,
        records.user as user_json,
        coalesce(records._is_whole_day, false) as is_whole_day,
        cast(records._received_at as timestamp(6)) as _received_at,
        records._source,
        records._position,
        records._dlt_load_id

    from records

),

said as (

    select
        *,
        {{ utc_date('event_us') }} as event_date,
        {{ canonical_payload([
            'exchange', 'auction_id', 'event_us', 'auction_type', 'timeout_ms', 'said_test', 'imps', 'site_json',
            'app_json', 'device_json', 'geo_json', 'user_json',
        ]) }} as payload

    from typed

),

parted as (

    select
        *,
        {{ json_text('device_json', '$.geo.country') }} as device_country,
        {{ json_text('device_json', '$.geo.region') }} as device_region,
        {{ json_text('geo_json', '$.country') }} as own_country,
        {{ json_text('geo_json', '$.region') }} as own_region,
        {{ json_text('user_json', '$.geo.country') }} as user_country,
        {{ json_text('user_json', '$.geo.region') }} as user_region

    from said

),

-- Where it was: where the device is, else as the request itself or its user says.
located as (

    select
        *,
        coalesce({{ json_text('site_json', '$.publisher.id') }}, {{ json_text('app_json', '$.publisher.id') }})
            as publisher_id,
        {{ json_text('site_json', '$.domain') }} as site_domain,
        {{ json_text('app_json', '$.bundle') }} as app_bundle,
        {{ json_text('device_json', '$.devicetype') }} as device_type,
        {{ json_text('user_json', '$.id') }} as user_id,
        coalesce(
            {{ place_of('device_country', 'device_region') }},
            {{ place_of('own_country', 'own_region') }},
            {{ place_of('user_country', 'user_region') }}
        ) as geo_location

    from parted

),

-- The first rule that a row breaks. Nobody pays for a test, whatever its floors are.
judged as (

    select
        located.*,
        floors.original_floor_price,
        floors.currency,
        case
            when located.event_us is null then 'null_event_time'
            when located.event_us < 946684800000000 then 'out_of_range'
            when {{ is_future('located.event_us', 'located.is_whole_day', 'located._received_at') }} then 'future_event'
            when located.auction_id is null then 'null_auction_id'
            when located.is_test then 'test_request'
            else floors.rejection_reason
        end as rejection_reason

    from located

    left join floors
        on
            located._source = floors._source
            and located._position = floors._position
            and located._dlt_load_id = floors._dlt_load_id
            and floors.place = 1

)

select
    source,
    exchange,
    auction_id,
    event_us,
    event_date,
    auction_type,
    timeout_ms,
    is_test,
    publisher_id,
    site_domain,
    app_bundle,
    device_type,
    geo_location,
    user_id,
    original_floor_price,
    currency,
    rejection_reason,
    payload,
    _received_at,
    _source,
    _position,
    _dlt_load_id

from judged
