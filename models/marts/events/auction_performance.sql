{{ config(**full_rewrite()) }}

with

opportunities as (

    select * from {{ ref('int_opportunities_decided') }}

),

summed as (

    select
        report_date as date,
        exchange,
        publisher_id,
        device_type,
        geo_location,
        count(case when is_requested then 1 end) as opportunities,
        count(case when not is_requested then 1 end) as opportunities_without_request,
        count(case when bids > 0 then 1 end) as opportunities_bid_on,
        count(case when is_requested and bids > 0 then 1 end) as requested_and_bid_on,
        count(case when bids_won > 0 then 1 end) as wins,
        count(floor_price) as opportunities_with_floor,
        cast(coalesce(sum(floor_price), 0) as decimal(38, 6)) as floor_prices,
        cast(sum(bids) as bigint) as bids,
        cast(sum(bids_won) as bigint) as bids_won,
        cast(sum(bids_lost) as bigint) as bids_lost,
        cast(sum(bids - bids_won - bids_lost) as bigint) as bids_undecided,
        cast(sum(bids_cleared) as bigint) as bids_cleared,
        cast(sum(clearing_prices) as decimal(38, 6)) as clearing_prices

    from opportunities

    group by
        report_date,
        exchange,
        publisher_id,
        device_type,
        geo_location

)

select
    *,
    {{ ratio('requested_and_bid_on', 'opportunities') }} as bid_rate,
    {{ ratio('wins', 'opportunities_bid_on') }} as win_rate,
    {{ ratio('opportunities_with_floor', 'opportunities') }} as floor_coverage,
    {{ ratio('floor_prices', 'opportunities_with_floor') }} as average_floor,
    {{ ratio('clearing_prices', 'bids_cleared') }} as average_clearing_price

from summed
