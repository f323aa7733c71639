{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['kind', '_source', '_dlt_load_id', 'account', 'date', 'date_source'],
) }}

{#- Those that came, and those that have a day of which a rate has changed. -#}
{%- set uncounted_units -%}
    select distinct units._source from {{ ref('stg_ingest__units') }} as units
    left join {{ this }} as known
        on units.kind = known.kind and units._source = known._source and units._dlt_load_id = known._dlt_load_id
    left join {{ ref('int_exchange_rates_by_day') }} as rates_by_day on known.date = rates_by_day.date
    where units.records_loaded > 0
    and (known._source is null or known.rates <> coalesce(rates_by_day.rates, 'none'))
{%- endset -%}

{%- set is_uncounted = in_values('_source', uncounted_units) if is_incremental() else 'true' -%}

with

units as (

    select * from {{ ref('stg_ingest__units') }}

),

rates_by_day as (

    select * from {{ ref('int_exchange_rates_by_day') }}

),

delivery_records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

-- A new kind of records adds a CTE like this one, and joins the union below.
delivery_days as (

    select
        'campaign_delivery' as kind,
        _source,
        _dlt_load_id,
        account,
        date,
        date_source,
        count(*) as records_found,
        count(case when rejection_reason is null then 1 end) as records_passed,
        count(case when rejection_reason is null and spend is not null then 1 end) as records_kept,
        cast(coalesce(sum(case when rejection_reason is null then spend end), 0) as decimal(38, 6)) as spend_kept,
        max(case when currency <> '{{ warehouse_currency() }}' then 1 else 0 end) as is_converted

    from delivery_records

    where {{ is_uncounted }}

    group by
        _source,
        _dlt_load_id,
        account,
        date,
        date_source

),

unit_days as (

    select * from delivery_days

)

select
    unit_days.kind,
    unit_days._source,
    unit_days._dlt_load_id,
    unit_days.account,
    unit_days.date,
    unit_days.date_source,
    unit_days.records_found,
    unit_days.records_passed,
    unit_days.records_kept,
    unit_days.spend_kept,
    case when unit_days.is_converted = 1 then coalesce(rates_by_day.rates, 'none') end as rates

from unit_days

inner join units
    on
        unit_days.kind = units.kind
        and unit_days._source = units._source
        and unit_days._dlt_load_id = units._dlt_load_id

left join rates_by_day
    on unit_days.date = rates_by_day.date
