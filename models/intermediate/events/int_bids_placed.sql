{{ config(**full_rewrite()) }}

with

bids as (

    select * from {{ ref('int_bids') }}

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

)

select
    bids.auction_id,
    bids.imp_id,
    bids.exchange,
    bids.bid_id,
    {{ report_date('bids.event_us') }} as report_date,
    coalesce(bids.campaign_id, shown.campaign_id, 'unknown_campaign') as campaign_id,
    bids.bid_price,
    bids.won,
    bids.clearing_price,
    bids.loss_reason

from bids

left join shown
    on bids.auction_id = shown.auction_id and bids.imp_id = shown.imp_id
