with

completed_loads as (

    select load_id from {{ source('raw', '_dlt_loads') }}

    where status = 0

),

fetches as (

    select
        source,
        kind,
        _source,
        reading,
        _dlt_load_id,
        'fetch' as unit_type,
        case when not complete then 'failed' when unchanged then 'unchanged' else 'loaded' end as status,
        receipt_number,
        _replaces as replaces,
        cast(null as varchar) as version,
        replaces_by,
        _report_date as asked_date,
        sha256 as content_sha256,
        cast(_received_at as timestamp(6)) as received_at,
        records_read,
        records_loaded,
        records_rejected

    from {{ source('raw', 'fetches') }}

),

files as (

    select
        source,
        kind,
        _source,
        reading,
        _dlt_load_id,
        'file' as unit_type,
        status,
        receipt_number,
        _replaces as replaces,
        _version as version,
        replaces_by,
        cast(null as date) as asked_date,
        content_sha256,
        cast(_received_at as timestamp(6)) as received_at,
        records_read,
        records_loaded,
        records_rejected

    from {{ source('raw', 'loaded_files') }}

),

unioned as (

    select * from fetches

    union all

    select * from files

)

select unioned.*

from unioned

where unioned._dlt_load_id in (select completed_loads.load_id from completed_loads)
