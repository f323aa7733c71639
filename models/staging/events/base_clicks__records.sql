with

records as {{ read_again() }} (

    select * from {{ source('raw', 'clicks') }}

),

typed as {{ read_again() }} (

    select
        source,
        click_id,
        impression_id,
        ad_id,
        campaign_id,
        publisher_id,
        user_id,
        event_time as event_us,
        device_type,
        geo_location,
        platform,
        cast(click_price as decimal(38, 6)) as click_price,
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
            'click_id', 'impression_id', 'ad_id', 'campaign_id', 'publisher_id', 'user_id', 'event_us',
            'device_type', 'geo_location', 'platform', 'click_price',
        ]) }} as payload

    from typed

),

{{ identified_rows('said', 'click_id') }},

-- The first rule that a row breaks.
judged as (

    select
        *,
        case
            when event_us is null then 'null_event_time'
            when event_us < 946684800000000 then 'out_of_range'
            when {{ is_future('event_us', 'is_whole_day', '_received_at') }} then 'future_event'
            when click_price < 0 then 'negative_price'
            when click_price >= 1000000000000 then 'out_of_range'
        end as rejection_reason

    from identified

)

select
    source,
    event_id as click_id,
    click_id is not null as has_own_id,
    impression_id,
    ad_id,
    campaign_id,
    publisher_id,
    user_id,
    event_us,
    {{ utc_date('event_us') }} as event_date,
    device_type,
    geo_location,
    platform,
    try_cast(click_price as decimal(18, 6)) as click_price,
    rejection_reason,
    payload,
    _received_at,
    _source,
    _position,
    _dlt_load_id

from judged
