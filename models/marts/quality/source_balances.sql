{{ config(**full_rewrite()) }}

with

units as (

    select * from {{ ref('int_units') }}

),

unit_days as (

    select * from {{ ref('int_unit_days') }}

),

imputed_deliveries as (

    select * from {{ ref('int_deliveries_imputed') }}

),

quarantined_deliveries as (

    select * from {{ ref('quarantined_deliveries') }}

),

event_units as (

    select * from {{ ref('int_event_units') }}

),

days_summed as (

    select
        kind,
        _source,
        _dlt_load_id,
        cast(sum(records_found) as bigint) as records_found,
        cast(sum(case when outcome = 'superseded' then records_found else 0 end) as bigint) as records_superseded,
        cast(sum(case when outcome = 'duplicate' then records_found else 0 end) as bigint) as records_duplicate,
        cast(sum(case when outcome = 'current' then records_kept else 0 end) as bigint) as records_kept

    from unit_days

    where {{ has_unit_days('kind') }}

    group by
        kind,
        _source,
        _dlt_load_id

    union all

    -- Events are counted in the files that count; any other file, and a kind without models, as the ledger has it.
    select
        units.kind,
        units._source,
        units._dlt_load_id,
        coalesce(event_units.records_found, units.records_loaded) as records_found,
        case when units.outcome = 'superseded' then units.records_loaded else 0 end as records_superseded,
        case
            when units.outcome = 'duplicate' then units.records_loaded
            else coalesce(event_units.records_duplicate, 0)
        end as records_duplicate,
        case
            when units.outcome = 'current' then coalesce(event_units.records_kept, units.records_loaded)
            else 0
        end as records_kept

    from units

    left join event_units
        on
            units.kind = event_units.kind
            and units._source = event_units._source
            and units.outcome = 'current'

    where not ({{ has_unit_days('units.kind') }})

),

-- What was kept beyond the accepted records, and what was quarantined. A new kind of records adds its own two counts.
records_decided as (

    select
        'campaign_delivery' as kind,
        _source,
        1 as records_kept,
        0 as records_quarantined

    from imputed_deliveries

    union all

    select
        'campaign_delivery' as kind,
        _source,
        0 as records_kept,
        1 as records_quarantined

    from quarantined_deliveries

    union all

    select
        kind,
        _source,
        0 as records_kept,
        records_quarantined

    from event_units

),

decided_summed as (

    select
        kind,
        _source,
        cast(sum(records_kept) as bigint) as records_kept,
        cast(sum(records_quarantined) as bigint) as records_quarantined

    from records_decided

    group by
        kind,
        _source

),

joined as (

    select
        units.source,
        units.kind,
        units._source,
        units.reading,
        units._dlt_load_id,
        units.unit_type,
        units.status,
        units.outcome,
        units.is_usable,
        units.receipt_number,
        units.asked_date,
        units.received_at,
        units.records_read,
        units.records_loaded,
        units.records_rejected,
        coalesce(days_summed.records_found, 0) as records_found,
        coalesce(days_summed.records_superseded, 0) as records_superseded,
        coalesce(days_summed.records_duplicate, 0) as records_duplicate,
        coalesce(decided_summed.records_quarantined, 0) as records_quarantined,
        coalesce(days_summed.records_kept, 0) + coalesce(decided_summed.records_kept, 0) as records_kept

    from units

    left join days_summed
        on
            units.kind = days_summed.kind
            and units._source = days_summed._source
            and units._dlt_load_id = days_summed._dlt_load_id

    left join decided_summed
        on
            units.kind = decided_summed.kind
            and units._source = decided_summed._source
            and units.outcome = 'current'

)

select
    source,
    kind,
    _source,
    reading,
    _dlt_load_id,
    unit_type,
    status,
    outcome,
    received_at,
    records_read,
    records_loaded,
    records_rejected,
    records_found,
    records_superseded,
    records_duplicate,
    records_quarantined,
    records_kept,
    case
        when outcome = 'current' and not is_usable then
            source || ': '
            || case
                when unit_type = 'file' then regexp_replace(_source, '^([^/]*/){3}', '')
                else 'fetch ' || cast(receipt_number as varchar) || coalesce(' of ' || cast(asked_date as varchar), '')
            end
            || ' has no record that passes the rules, of ' || cast(records_read as varchar)
            || ', so it replaces nothing and what was there before still counts; `adhouse quarantine` says why; '
            || case
                when unit_type = 'file'
                    then
                        'drop a corrected file, or take it back: `adhouse retract "'
                        || regexp_replace(_source, '^([^/]*/){3}', '') || '"`'
                else 'run again once the platform has corrected it'
            end
    end as warning

from joined
