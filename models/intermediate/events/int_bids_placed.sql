{{ config(**full_rewrite()) }}

with

bids as (

    select * from {{ ref('int_bids') }}

),

opportunities as (

    select * from {{ ref('int_opportunities') }}

),

loss_reasons as (

    select * from {{ ref('loss_reasons') }}

),

tests as (

    select distinct
        exchange,
        auction_id

    from {{ ref('stg_bid_requests__events') }}

    where rejection_reason = 'test_request'

),

-- What a bid led to: the impressions of its auction and imp, of which the campaign may be known.
shown as (

    select
        auction_id,
        imp_id,
        min(campaign_id) as campaign_id

    from {{ ref('int_impressions') }}

    where auction_id is not null and imp_id is not null

    group by
        auction_id,
        imp_id

),

-- The opportunities that a bid may be for: those of its exchange first, of these the latest before it. Two exchanges
-- that both have a name are two.
answered as (

    select
        bids.auction_id,
        bids.imp_id,
        bids.exchange,
        bids.bid_id,
        opportunities.opportunity_id,
        opportunities.report_date,
        row_number() over (
            partition by bids.auction_id, bids.imp_id, bids.exchange, bids.bid_id
            order by
                case when opportunities.exchange = bids.exchange then 0 else 1 end,
                case when opportunities.event_us <= bids.event_us then 0 else 1 end,
                abs(bids.event_us - opportunities.event_us),
                opportunities.exchange
        ) as place

    from bids

    inner join opportunities
        on bids.auction_id = opportunities.auction_id and bids.imp_id = opportunities.imp_id

    where opportunities.exchange = bids.exchange or opportunities.exchange = '' or bids.exchange = ''

),

-- Bids in a test are none, unless the same id is a real auction too.
tested as (

    select distinct
        bids.auction_id,
        bids.exchange

    from bids

    inner join tests
        on
            bids.auction_id = tests.auction_id
            and (bids.exchange = tests.exchange or bids.exchange = '' or tests.exchange = '')

)

select
    bids.auction_id,
    bids.imp_id,
    bids.exchange,
    bids.bid_id,
    coalesce(
        answered.opportunity_id,
        {{ opportunity_id('null', 'bids.auction_id', 'bids.imp_id', 'null') }}
    ) as opportunity_id,
    answered.opportunity_id is not null as is_requested,
    coalesce(answered.report_date, {{ report_date('bids.event_us') }}) as report_date,
    coalesce(bids.campaign_id, shown.campaign_id, 'unknown_campaign') as campaign_id,
    bids.bid_price,
    bids.won,
    bids.clearing_price,
    case when not bids.won then coalesce(loss_reasons.loss_reason, bids.loss_reason, 'Unknown') end as loss_reason

from bids

left join answered
    on
        bids.auction_id = answered.auction_id
        and bids.imp_id = answered.imp_id
        and bids.exchange = answered.exchange
        and bids.bid_id = answered.bid_id
        and answered.place = 1

left join shown
    on bids.auction_id = shown.auction_id and bids.imp_id = shown.imp_id

left join tested
    on bids.auction_id = tested.auction_id and bids.exchange = tested.exchange

left join loss_reasons
    on lower(trim(bids.loss_reason)) = loss_reasons.written_reason

where tested.auction_id is null or answered.opportunity_id is not null
