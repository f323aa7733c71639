{{ config(materialized='table') }}

with

completed_loads as (

    select load_id from {{ source('raw', '_dlt_loads') }}

    where status = 0

),

fetches as (

    select
        source,
        _source,
        _dlt_load_id,
        'fetch' as kind,
        case when not complete then 'failed' when unchanged then 'unchanged' else 'loaded' end as status,
        _replaces as replaces,
        {{ as_utc('_received_at') }} as received_at,
        records_read,
        records_loaded,
        records_rejected

    from {{ source('raw', 'fetches') }}

),

files as (

    select
        source,
        _source,
        _dlt_load_id,
        'file' as kind,
        status,
        _replaces as replaces,
        {{ as_utc('_received_at') }} as received_at,
        records_read,
        records_loaded,
        records_rejected

    from {{ source('raw', 'loaded_files') }}

),

unioned as (

    select * from fetches

    union all

    select * from files

),

completed as (

    select
        unioned.*,
        row_number() over (
            partition by unioned._source
            order by unioned._dlt_load_id
        ) as copy_number

    from unioned

    where unioned._dlt_load_id in (select completed_loads.load_id from completed_loads)

),

ranked as (

    select
        *,
        row_number() over (
            partition by replaces, status
            order by received_at desc, _source desc, copy_number asc
        ) as newness

    from completed

)

select
    source,
    _source,
    _dlt_load_id,
    kind,
    status,
    replaces,
    received_at,
    records_read,
    records_loaded,
    records_rejected,
    case
        when status <> 'loaded' then 'without_records'
        when copy_number > 1 then 'duplicate'
        when replaces is not null and newness > 1 then 'superseded'
        else 'current'
    end as outcome

from ranked
