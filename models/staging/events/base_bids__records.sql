with

records as (

    select * from {{ source('raw', 'bids') }}

),

exchange_rates as (

    select * from {{ ref('stg_exchange_rates__days') }}

),

typed as (

    select
        source,
        auction_id,
        imp_id,
        coalesce(exchange, '') as exchange,
        bid_id,
        event_time as event_us,
        cast(bid_price as decimal(38, 6)) as bid_price,
        nullif(upper(trim(currency)), '') as currency,
        won,
        cast(clearing_price as decimal(38, 6)) as clearing_price,
        loss_reason,
        campaign_id,
        ad_id,
        coalesce(_is_whole_day, false) as is_whole_day,
        cast(_received_at as timestamp(6)) as _received_at,
        _source,
        _position,
        _dlt_load_id

    from records

),

said as (

    select
        *,
        {{ utc_date('event_us') }} as event_date,
        {{ canonical_payload([
            'auction_id', 'imp_id', 'exchange', 'bid_id', 'event_us', 'bid_price', 'currency', 'won',
            'clearing_price', 'loss_reason', 'campaign_id', 'ad_id',
        ]) }} as payload

    from typed

),

converted as (

    select
        said.*,
        {{ converted_price('said.bid_price', 'said.currency', 'exchange_rates.rate') }} as price,
        {{ converted_price('said.clearing_price', 'said.currency', 'exchange_rates.rate') }} as cleared

    from said

    left join exchange_rates
        on
            said.currency = exchange_rates.currency
            and said.event_date = exchange_rates.date

),

-- The first rule that a row breaks.
judged as (

    select
        *,
        case
            when event_us is null then 'null_event_time'
            when event_us < 946684800000000 then 'out_of_range'
            when {{ is_future('event_us', 'is_whole_day', '_received_at') }} then 'future_event'
            when auction_id is null then 'null_auction_id'
            when imp_id is null then 'null_imp_id'
            when bid_price < 0 or clearing_price < 0 then 'negative_price'
            when bid_price >= 1000000000000 or clearing_price >= 1000000000000 then 'out_of_range'
            when price >= 1000000000000 or cleared >= 1000000000000 then 'out_of_range'
            when {{ is_no_currency('currency') }} then 'bad_currency'
            when bid_price is not null and price is null then 'no_exchange_rate'
            when clearing_price is not null and cleared is null then 'no_exchange_rate'
        end as rejection_reason

    from converted

)

select
    source,
    auction_id,
    imp_id,
    exchange,
    bid_id,
    event_us,
    event_date,
    try_cast(price as decimal(18, 6)) as bid_price,
    try_cast(bid_price as decimal(18, 6)) as original_bid_price,
    -- 0 says that the bid was not lost.
    coalesce(won, loss_reason = '0') as won,
    try_cast(clearing_price as decimal(18, 6)) as original_clearing_price,
    currency,
    loss_reason,
    campaign_id,
    ad_id,
    rejection_reason,
    payload,
    _received_at,
    _source,
    _position,
    _dlt_load_id

from judged
