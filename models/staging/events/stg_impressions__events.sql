with

records as (

    select * from {{ source('raw', 'impressions') }}

),

units as (

    select * from {{ ref('int_units') }}

    where kind = 'impressions' and outcome = 'current'

),

typed as (

    select
        records.source,
        records.impression_id,
        records.ad_id,
        records.campaign_id,
        records.publisher_id,
        records.user_id,
        records.event_time as event_us,
        records.device_type,
        records.geo_location,
        records.platform,
        records.ad_type,
        cast(records.bid_price as decimal(38, 6)) as bid_price,
        records.site_domain,
        records.auction_id,
        records.imp_id,
        coalesce(records._is_whole_day, false) as is_whole_day,
        coalesce(records._identical_rows = 'count', false) as counts_equal_rows,
        cast(records._received_at as timestamp(6)) as _received_at,
        units.receipt_number,
        records._source,
        records._position

    from records

    inner join units
        on records._source = units._source and records._dlt_load_id = units._dlt_load_id

),

said as {{ read_again() }} (

    select
        *,
        {{ canonical_payload([
            'impression_id', 'ad_id', 'campaign_id', 'publisher_id', 'user_id', 'event_us', 'device_type',
            'geo_location', 'platform', 'ad_type', 'bid_price', 'site_domain', 'auction_id', 'imp_id',
        ]) }} as payload

    from typed

),

{{ identified_rows('said', 'impression_id') }},

-- The first rule that a row breaks.
judged as (

    select
        *,
        case
            when event_us is null then 'null_event_time'
            when event_us < 946684800000000 then 'out_of_range'
            when {{ is_future('event_us', 'is_whole_day', '_received_at') }} then 'future_event'
            when ad_id is null then 'null_ad_id'
            when bid_price < 0 then 'negative_price'
            when bid_price >= 1000000000000 then 'out_of_range'
        end as rejection_reason

    from identified

)

select
    source,
    event_id as impression_id,
    impression_id is not null as has_own_id,
    ad_id,
    campaign_id,
    publisher_id,
    user_id,
    event_us,
    {{ utc_date('event_us') }} as event_date,
    device_type,
    geo_location,
    platform,
    ad_type,
    try_cast(bid_price as decimal(18, 6)) as bid_price,
    site_domain,
    auction_id,
    imp_id,
    rejection_reason,
    payload,
    receipt_number,
    _received_at,
    _source,
    _position

from judged
