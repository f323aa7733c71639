{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed_auctions() }}",
) }}

with

accepted as (

    select * from {{ ref('stg_bids__events') }}

    where rejection_reason is null and {{ is_in_changed_auction('auction_id') }}

),

exchange_rates as (

    select * from {{ ref('stg_exchange_rates__days') }}

),

-- The id of a bid tells bids of one imp apart only where each of their rows has one.
counted as (

    select
        *,
        count(*) over (partition by auction_id, imp_id, exchange) as imp_rows,
        count(bid_id) over (partition by auction_id, imp_id, exchange) as imp_rows_with_id,
        {{ sha256_of('payload') }} as payload_sha256

    from accepted

),

keyed as (

    select
        *,
        case when imp_rows = imp_rows_with_id then bid_id else '' end as bid_key

    from counted

),

-- The offer is the earliest row that has a price, the outcome the earliest that has one; without either, any row is.
ranked as (

    select
        *,
        row_number() over (
            partition by auction_id, imp_id, exchange, bid_key
            order by
                case when bid_price is null then 1 else 0 end,
                event_us, payload_sha256, receipt_number, _source, _position
        ) as offer_place,
        row_number() over (
            partition by auction_id, imp_id, exchange, bid_key
            order by
                case when won is null then 1 else 0 end,
                event_us, payload_sha256, receipt_number, _source, _position
        ) as outcome_place,
        count(*) over (partition by auction_id, imp_id, exchange, bid_key) as row_count

    from keyed

),

offers as (

    select * from ranked

    where offer_place = 1

),

outcomes as (

    select * from ranked

    where outcome_place = 1

),

joined as (

    select
        offers.source,
        offers.auction_id,
        offers.imp_id,
        offers.exchange,
        offers.bid_key as bid_id,
        offers.event_us,
        offers.event_date,
        offers.bid_price,
        outcomes.won,
        outcomes.original_clearing_price,
        coalesce(outcomes.currency, offers.currency) as clearing_currency,
        outcomes.loss_reason,
        coalesce(offers.campaign_id, outcomes.campaign_id) as campaign_id,
        coalesce(offers.ad_id, outcomes.ad_id) as ad_id,
        offers.row_count,
        offers.receipt_number,
        case
            when outcomes._received_at > offers._received_at then outcomes._received_at
            else offers._received_at
        end as _received_at,
        offers._source,
        offers._position

    from offers

    inner join outcomes
        on
            offers.auction_id = outcomes.auction_id
            and offers.imp_id = outcomes.imp_id
            and offers.exchange = outcomes.exchange
            and offers.bid_key = outcomes.bid_key

),

-- A clearing price is in the currency of its bid unless it says another, and converted at the rate of the bid's day,
-- whenever its outcome came.
converted as (

    select
        joined.*,
        {{ converted_price('joined.original_clearing_price', 'joined.clearing_currency', 'exchange_rates.rate') }}
            as clearing_price

    from joined

    left join exchange_rates
        on
            joined.clearing_currency = exchange_rates.currency
            and joined.event_date = exchange_rates.date

)

select
    source,
    auction_id,
    imp_id,
    exchange,
    bid_id,
    event_us,
    event_date,
    bid_price,
    won,
    try_cast(clearing_price as decimal(18, 6)) as clearing_price,
    original_clearing_price,
    clearing_currency,
    loss_reason,
    campaign_id,
    ad_id,
    row_count,
    receipt_number,
    _received_at,
    _source,
    _position

from converted
