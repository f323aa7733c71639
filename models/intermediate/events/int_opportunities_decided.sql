{{ config(**full_rewrite()) }}

with

opportunities as (

    select * from {{ ref('int_opportunities') }}

),

bids as (

    select * from {{ ref('int_bids_placed') }}

),

bid_on as (

    select
        opportunity_id,
        min(report_date) as report_date,
        case when min(exchange) = max(exchange) then min(nullif(exchange, '')) end as exchange,
        count(*) as bids,
        count(case when won then 1 end) as bids_won,
        count(case when not won then 1 end) as bids_lost,
        count(case when won then clearing_price end) as bids_cleared,
        sum(case when won then clearing_price end) as clearing_prices

    from bids

    group by opportunity_id

)

select
    coalesce(opportunities.opportunity_id, bid_on.opportunity_id) as opportunity_id,
    opportunities.opportunity_id is not null as is_requested,
    coalesce(opportunities.report_date, bid_on.report_date) as report_date,
    coalesce(nullif(opportunities.exchange, ''), bid_on.exchange, 'Unknown') as exchange,
    coalesce(opportunities.publisher_id, 'Unknown') as publisher_id,
    coalesce(opportunities.device_type, 'Unknown') as device_type,
    coalesce(opportunities.geo_location, 'Unknown') as geo_location,
    opportunities.floor_price,
    coalesce(bid_on.bids, 0) as bids,
    coalesce(bid_on.bids_won, 0) as bids_won,
    coalesce(bid_on.bids_lost, 0) as bids_lost,
    coalesce(bid_on.bids_cleared, 0) as bids_cleared,
    coalesce(bid_on.clearing_prices, 0) as clearing_prices

from opportunities

full outer join bid_on
    on opportunities.opportunity_id = bid_on.opportunity_id
