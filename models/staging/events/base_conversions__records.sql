with

records as {{ read_again() }} (

    select * from {{ source('raw', 'conversions') }}

),

exchange_rates as (

    select * from {{ ref('stg_exchange_rates__days') }}

),

typed as {{ read_again() }} (

    select
        source,
        conversion_id,
        user_id,
        campaign_id,
        event_time as event_us,
        coalesce(conversion_type, '') as conversion_type,
        cast(conversion_value as decimal(38, 6)) as conversion_value,
        nullif(upper(trim(currency)), '') as currency,
        cast(conversion_count as decimal(38, 6)) as conversion_count,
        click_id,
        impression_id,
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
        {{ utc_date('event_us') }} as event_date,
        {{ canonical_payload([
            'conversion_id', 'user_id', 'campaign_id', 'event_us', 'conversion_type', 'conversion_value', 'currency',
            'conversion_count', 'click_id', 'impression_id',
        ]) }} as payload

    from typed

),

{{ identified_rows('said', 'conversion_id') }},

converted as (

    select
        identified.*,
        {{ converted_price('identified.conversion_value', 'identified.currency', 'exchange_rates.rate') }}
            as converted_value

    from identified

    left join exchange_rates
        on
            identified.currency = exchange_rates.currency
            and identified.event_date = exchange_rates.date

),

-- The first rule that a row breaks. A refund is a conversion with a negative value.
judged as (

    select
        *,
        case
            when event_us is null then 'null_event_time'
            when event_us < 946684800000000 then 'out_of_range'
            when {{ is_future('event_us', 'is_whole_day', '_received_at') }} then 'future_event'
            when abs(conversion_value) >= 1000000000000 or abs(converted_value) >= 1000000000000 then 'out_of_range'
            when conversion_count < 0 then 'negative_count'
            when conversion_count >= 1000000000000 then 'out_of_range'
            when {{ is_no_currency('currency') }} then 'bad_currency'
            when conversion_value is not null and converted_value is null then 'no_exchange_rate'
        end as rejection_reason

    from converted

)

select
    source,
    event_id as conversion_id,
    conversion_id is not null as has_own_id,
    user_id,
    campaign_id,
    event_us,
    event_date,
    conversion_type,
    try_cast(converted_value as decimal(18, 6)) as conversion_value,
    try_cast(conversion_value as decimal(18, 6)) as original_value,
    coalesce(currency, '{{ warehouse_currency() }}') as currency,
    coalesce(try_cast(conversion_count as decimal(18, 6)), cast(1 as decimal(18, 6))) as conversion_count,
    click_id,
    impression_id,
    rejection_reason,
    payload,
    _received_at,
    _source,
    _position,
    _dlt_load_id

from judged
