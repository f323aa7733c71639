with

targets as (

    select * from {{ ref('campaign_targets') }}

),

exchange_rates as (

    select * from {{ ref('stg_exchange_rates__days') }}

),

-- The flight that comes with adhouse shows how targets are written; it ended before anything counts. One that lacks a
-- day, or has a year of two digits, stays: a test names it, and nothing is published.
typed as (

    select
        trim(campaign_id) as campaign_id,
        flight_start,
        flight_end,
        budget as original_budget,
        coalesce(nullif(upper(trim(currency)), ''), '{{ warehouse_currency() }}') as currency,
        target_ctr,
        target_cpc,
        target_cpa,
        target_roas

    from targets

    where
        flight_start is null
        or flight_end is null
        or flight_start < date '1999-01-01'
        or flight_end >= date '2000-01-01'

),

-- A budget is agreed on before its flight: it is converted at the rate of the first day.
converted as (

    select
        typed.*,
        {{ converted_price('typed.original_budget', 'typed.currency', 'exchange_rates.rate') }} as budget

    from typed

    left join exchange_rates
        on
            typed.currency = exchange_rates.currency
            and typed.flight_start = exchange_rates.date

)

select
    campaign_id,
    flight_start,
    flight_end,
    {{ dbt.datediff('flight_start', 'flight_end', 'day') }}
    + 1 as flight_days,
    cast(budget as decimal(38, 6)) as budget,
    cast(original_budget as decimal(18, 6)) as original_budget,
    currency,
    target_ctr,
    target_cpc,
    target_cpa,
    target_roas

from converted
