with

records as {{ read_again() }} (

    select * from {{ source('raw', 'impressions') }}

),

typed as {{ read_again() }} (

    select
        source,
        impression_id,
        ad_id,
        campaign_id,
        publisher_id,
        user_id,
        event_time as event_us,
        device_type,
        geo_location,
        platform,
        ad_type,
        cast(bid_price as decimal(38, 6)) as bid_price,
        site_domain,
        auction_id,
        imp_id,
        coalesce(_is_whole_day, false) as is_whole_day,
        coalesce(_identical_rows = 'count', false) as counts_equal_rows,
        cast(_received_at as timestamp(6)) as _received_at,
        _source,
        _position,
        _dlt_load_id

    from records

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
    _received_at,
    _source,
    _position,
    _dlt_load_id

from judged
