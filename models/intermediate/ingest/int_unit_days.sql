{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['kind', '_source', '_dlt_load_id', 'account', 'date'],
) }}

{%- set uncounted_units -%}
    select distinct units._source from {{ ref('int_units') }} as units
    left join {{ this }} as known
        on units.kind = known.kind and units._source = known._source and units._dlt_load_id = known._dlt_load_id
    where units.records_loaded > 0 and known._source is null
{%- endset -%}

{%- set is_uncounted = in_values('_source', uncounted_units) if is_incremental() else 'true' -%}

with

units as (

    select * from {{ ref('int_units') }}

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
        count(*) as records_found,
        count(case when rejection_reason is null and spend is not null then 1 end) as records_kept

    from delivery_records

    where {{ is_uncounted }}

    group by
        _source,
        _dlt_load_id,
        account,
        date

),

counted_days as (

    select * from delivery_days

    {% if is_incremental() %}

        union distinct

        select
            kind,
            _source,
            _dlt_load_id,
            account,
            date,
            records_found,
            records_kept

        from {{ this }}

    {% endif %}

),

-- Whether the records of the day count. So far every rule replaces a unit whole.
judged_days as (

    select
        units.source,
        counted_days.*,
        units.outcome

    from counted_days

    inner join units
        on
            counted_days.kind = units.kind
            and counted_days._source = units._source
            and counted_days._dlt_load_id = units._dlt_load_id

)

select
    judged_days.*,
    {{ completed_build() }} + 1 as changed_in_build

from judged_days

{% if is_incremental() %}

    left join {{ this }} as known
        on
            judged_days.kind = known.kind
            and judged_days._source = known._source
            and judged_days._dlt_load_id = known._dlt_load_id
            and judged_days.account = known.account
            and judged_days.date = known.date

    where judged_days.outcome is distinct from known.outcome

{% endif %}
