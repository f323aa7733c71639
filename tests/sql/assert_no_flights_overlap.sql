-- A warning: two flights of a campaign share days, so the same spend is paced against both budgets.
{{ config(severity='warn', meta={'has_message': true}) }}

with

flights as (

    select * from {{ ref('stg_campaign_targets__flights') }}

)

select
    earlier.campaign_id,
    earlier.flight_start,
    later.flight_start as other_flight_start,
    'seeds/campaign_targets.csv: the flights of ' || earlier.campaign_id || ' from '
    || cast(earlier.flight_start as varchar) || ' and ' || cast(later.flight_start as varchar)
    || ' share days, and what is spent on them counts in both' as message

from flights as earlier

inner join flights as later
    on
        earlier.campaign_id = later.campaign_id
        and earlier.flight_start < later.flight_start
        and earlier.flight_end >= later.flight_start
