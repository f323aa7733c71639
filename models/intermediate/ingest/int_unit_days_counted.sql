{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['kind', '_source', '_dlt_load_id', 'account', 'date', 'date_source'],
) }}

{#- Those that came, and those that have a day of which a rate has changed. -#}
{%- set uncounted_units -%}
    select distinct units.kind, units._source from {{ ref('stg_ingest__units') }} as units
    left join {{ this }} as known
        on units.kind = known.kind and units._source = known._source and units._dlt_load_id = known._dlt_load_id
    left join {{ ref('int_exchange_rates_by_day') }} as rates_by_day on known.date = rates_by_day.date
    where units.records_loaded > 0
    and (known._source is null or known.rates <> coalesce(rates_by_day.rates, 'none'))
{%- endset -%}

{%- set is_uncounted = is_source_among(uncounted_units, ['campaign_delivery'] + event_models() | list) -%}

with

units as (

    select * from {{ ref('stg_ingest__units') }}

),

rates_by_day as (

    select * from {{ ref('int_exchange_rates_by_day') }}

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

    from {{ ref('base_campaign_delivery__records') }}

    where {{ is_uncounted['campaign_delivery'] }}

    group by
        _source,
        _dlt_load_id,
        account,
        date,
        date_source

),

-- Of an event it is the UTC day, and the first of all where a rule rejects it whatever the rates are. Which of those
-- that pass are kept, their ids decide.
{% for kind in event_models() %}
    {%- set has_currency = kind in ('bid_requests', 'bids', 'conversions') %}
    {%- set is_foreign = "currency <> '" ~ warehouse_currency() ~ "'" if has_currency else 'false' %}
    {#- An offer is converted at the rate of its day in a currency that only its outcome may name. #}
    {%- set is_converted = 'true' if kind == 'bids' else is_foreign %}
    {%- set counts_on = "case when rejection_reason is null or " ~ is_foreign ~ " then event_date end" %}
    {%- set date = "coalesce(" ~ counts_on ~ ", date '1970-01-01')" %}
    {{ kind }}_days as (

        select
            '{{ kind }}' as kind,
            _source,
            _dlt_load_id,
            cast('' as varchar) as account,
            {{ date }} as date,
            'observed' as date_source,
            count(*) as records_found,
            count(case when rejection_reason is null then 1 end) as records_passed,
            cast(0 as bigint) as records_kept,
            cast(0 as decimal(38, 6)) as spend_kept,
            max(case when {{ is_converted }} then 1 else 0 end) as is_converted

        from {{ ref('base_' ~ kind ~ '__records') }}

        where {{ is_uncounted[kind] }}

        group by
            _source,
            _dlt_load_id,
            {{ date }}

    ),
{% endfor %}
unit_days as (

    select * from delivery_days
    {% for kind in event_models() %}

        union all

        select * from {{ kind }}_days
    {% endfor %}

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
