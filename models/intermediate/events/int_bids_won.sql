{{ config(**full_rewrite()) }}

with

won as (

    select * from {{ ref('int_bids') }}

    where won

),

ranked as (

    select
        *,
        row_number() over (
            partition by auction_id, imp_id
            order by event_us, exchange, bid_id
        ) as place

    from won

)

select
    auction_id,
    imp_id,
    exchange,
    bid_id,
    clearing_price,
    _received_at

from ranked

where place = 1
