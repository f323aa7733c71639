-- Nothing is published while a price cannot be converted: it would be missing from every sum.
{{ config(meta={'has_message': true}) }}

with

quarantined as (

    select * from {{ ref('quarantined_deliveries') }}

    where reason = 'no_exchange_rate'

)

select
    currency,
    date,
    count(*) as records,
    currency || ' to {{ warehouse_currency() }}: no exchange rate for ' || cast(date as varchar)
    || ' or the 7 days before it, which ' || cast(count(*) as varchar)
    || ' records need; add it to seeds/exchange_rates.csv, or set ADHOUSE_CURRENCY=' || currency
    || ' if all your money is in that, and run again' as message

from quarantined

group by
    currency,
    date
