{{ config(**full_rewrite()) }}

with

lost as (

    select * from {{ ref('int_bids_placed') }}

    where not won

),

opportunities as (

    select * from {{ ref('int_opportunities_decided') }}

)

select
    opportunities.report_date as date,
    opportunities.exchange,
    opportunities.publisher_id,
    opportunities.device_type,
    opportunities.geo_location,
    lost.loss_reason,
    count(*) as bids_lost

from lost

inner join opportunities
    on lost.opportunity_id = opportunities.opportunity_id

group by
    opportunities.report_date,
    opportunities.exchange,
    opportunities.publisher_id,
    opportunities.device_type,
    opportunities.geo_location,
    lost.loss_reason
