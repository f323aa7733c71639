{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['kind', '_source', '_dlt_load_id', 'account', 'date', 'date_source'],
) }}

with

units as (

    select * from {{ ref('int_units') }}

),

counted_days as (

    select * from {{ ref('int_unit_days_counted') }}

),

unit_days as (

    select
        units.source,
        counted_days.kind,
        counted_days._source,
        counted_days._dlt_load_id,
        counted_days.account,
        counted_days.date,
        counted_days.date_source,
        counted_days.records_found,
        counted_days.records_kept,
        counted_days.spend_kept,
        counted_days.rates,
        units.outcome as unit_outcome,
        units.receipt_number,
        units.is_content_repeated,
        units.asked_date is not null as is_asked,
        units.is_usable,
        units.replaces_by = 'days' and units.outcome = 'current' as is_replaced_by_day,
        -- A fetch has the day asked; what its records name otherwise is not its own to replace.
        case
            when units.asked_date is null then counted_days.date_source = 'observed'
            else counted_days.date = units.asked_date
        end as has_day

    from counted_days

    inner join units
        on
            counted_days.kind = units.kind
            and counted_days._source = units._source
            and counted_days._dlt_load_id = units._dlt_load_id

),

-- The day asked is that of every account, and also of an empty answer.
asked_days as (

    select
        source,
        kind,
        asked_date,
        max(receipt_number) as newest_receipt

    from units

    where asked_date is not null and replaces_by = 'days' and outcome = 'current' and is_usable

    group by
        source,
        kind,
        asked_date

),

ranked_days as (

    select
        unit_days.*,
        max(
            case
                when unit_days.is_replaced_by_day and unit_days.has_day and unit_days.is_usable
                    then unit_days.receipt_number
            end
        ) over (
            partition by unit_days.source, unit_days.kind, unit_days.account, unit_days.date
        ) as newest_named,
        asked_days.newest_receipt as newest_asked

    from unit_days

    left join asked_days
        on
            unit_days.source = asked_days.source
            and unit_days.kind = asked_days.kind
            and unit_days.date = asked_days.asked_date

),

-- Whether the records of the day count. Records without a date of their own stay when a day is replaced; of equal
-- contents they count once.
judged_days as (

    select
        source,
        kind,
        _source,
        _dlt_load_id,
        account,
        date,
        date_source,
        records_found,
        records_kept,
        spend_kept,
        rates,
        case
            when not is_replaced_by_day then unit_outcome
            when not has_day and is_content_repeated and not is_asked then 'duplicate'
            when has_day and (receipt_number < newest_named or receipt_number < newest_asked) then 'superseded'
            else unit_outcome
        end as outcome

    from ranked_days

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
            and judged_days.date_source = known.date_source

    where judged_days.outcome is distinct from known.outcome or judged_days.rates is distinct from known.rates

{% endif %}
