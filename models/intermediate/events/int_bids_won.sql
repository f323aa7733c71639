{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed_auctions() }}",
) }}

with

won as (

    select * from {{ ref('int_bids') }}

    where won and {{ is_in_changed_auction('auction_id') }}

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
