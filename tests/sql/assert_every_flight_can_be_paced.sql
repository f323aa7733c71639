-- Nothing is published while a flight of our own seed makes no sense.
{{ config(meta={'has_message': true}) }}

with

flights as (

    select * from {{ ref('campaign_targets') }}

),

-- The flight that comes with adhouse is of 1999; with a year of two digits a flight would be older still.
faults as (

    select
        campaign_id,
        flight_start,
        case
            when campaign_id is null or trim(campaign_id) = '' then 'names no campaign'
            when flight_start is null or flight_end is null then 'lacks its first or its last day'
            when flight_start < date '1999-01-01' then 'has no year of four digits, as in 2026-11-30'
            when flight_end < flight_start then 'ends before it begins'
            when budget < 0 then 'has a negative budget'
            when least(coalesce(target_ctr, 0), coalesce(target_cpc, 0)) < 0 then 'has a negative target'
            when least(coalesce(target_cpa, 0), coalesce(target_roas, 0)) < 0 then 'has a negative target'
            when count(*) over (partition by trim(campaign_id), flight_start) > 1 then 'is there twice'
        end as fault

    from flights

)

select
    campaign_id,
    flight_start,
    'seeds/campaign_targets.csv: the flight of ' || coalesce(campaign_id, 'no campaign') || ' from '
    || coalesce(cast(flight_start as varchar), 'no day') || ' ' || fault || '; correct it, and run again' as message

from faults

where fault is not null
