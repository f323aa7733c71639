-- Nothing is published while a flight of our own seed makes no sense.
{{ config(meta={'has_message': true}) }}

with

flights as (

    select * from {{ ref('campaign_targets') }}

)

select
    campaign_id,
    flight_start,
    'seeds/campaign_targets.csv: the flight of ' || campaign_id || ' from ' || cast(flight_start as varchar)
    || case when budget < 0 then ' has a negative budget' else ' ends before it begins' end
    || '; correct it, and run again' as message

from flights

where budget < 0 or flight_end < flight_start
