-- A warning about the source: more than a tenth of the records of a source and day break a rule.
{{ config(severity='warn', meta={'has_message': true}) }}

with

current_days as (

    select
        source,
        date,
        sum(records_found) as records

    from {{ ref('int_unit_days') }}

    where kind = 'campaign_delivery' and outcome = 'current'

    group by
        source,
        date

),

quarantined_days as (

    select
        source,
        date,
        count(*) as records

    from {{ ref('quarantined_deliveries') }}

    -- A date that is not believed is no day of the source.
    where reason not in ('future_date', 'other_day')

    group by
        source,
        date

)

select
    current_days.source,
    current_days.date,
    quarantined_days.records as records_quarantined,
    current_days.records,
    current_days.source || ': ' || cast(quarantined_days.records as varchar) || ' of '
    || cast(current_days.records as varchar) || ' records of ' || cast(current_days.date as varchar)
    || ' are quarantined; `adhouse quarantine` says why' as message

from current_days

inner join quarantined_days
    on
        current_days.source = quarantined_days.source
        and current_days.date = quarantined_days.date

where quarantined_days.records * 10 > current_days.records
