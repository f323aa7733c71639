-- The bids that auction_performance calls lost are those of which auction_losses has the reasons.
with

performance as (

    select
        date,
        exchange,
        publisher_id,
        device_type,
        geo_location,
        bids_lost

    from {{ ref('auction_performance') }}

    where bids_lost > 0

),

losses as (

    select
        date,
        exchange,
        publisher_id,
        device_type,
        geo_location,
        sum(bids_lost) as bids_lost

    from {{ ref('auction_losses') }}

    group by
        date,
        exchange,
        publisher_id,
        device_type,
        geo_location

)

select
    coalesce(performance.date, losses.date) as date,
    coalesce(performance.exchange, losses.exchange) as exchange,
    performance.bids_lost,
    losses.bids_lost as bids_with_a_reason

from performance

full outer join losses
    on
        performance.date = losses.date
        and performance.exchange = losses.exchange
        and performance.publisher_id = losses.publisher_id
        and performance.device_type = losses.device_type
        and performance.geo_location = losses.geo_location

where coalesce(performance.bids_lost, 0) <> coalesce(losses.bids_lost, 0)
