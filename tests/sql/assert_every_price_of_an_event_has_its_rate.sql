-- A warning about a source: without the rate of its day an event does not count, nor does what a bid was cleared at.
{{ config(severity='warn', meta={'has_message': true}) }}

with

quarantined as (

    select
        source,
        kind,
        cast(event_time as date) as event_date

    from {{ ref('quarantined_events') }}

    where reason = 'no_exchange_rate'

),

-- Their outcome has its rate, but the price is converted at that of the day of the bid.
cleared as (

    select
        source,
        'clearing prices' as kind,
        event_date

    from {{ ref('int_bids') }}

    where original_clearing_price is not null and clearing_price is null

),

unioned as (

    select * from quarantined

    union all

    select * from cleared

)

select
    source,
    kind,
    count(*) as records,
    source || ': ' || cast(count(*) as varchar) || ' ' || kind || ' of ' || cast(min(event_date) as varchar) || ' to '
    || cast(max(event_date) as varchar) || ' do not count, because their currency has no exchange rate for that day or '
    || 'the 7 days before it; add it to seeds/exchange_rates.csv and run again' as message

from unioned

group by
    source,
    kind
