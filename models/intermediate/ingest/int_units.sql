with

units as (

    select * from {{ ref('stg_ingest__units') }}

),

numbered as (

    select
        *,
        dense_rank() over (
            partition by
                kind,
                _source,
                case when status in ('duplicate', 'retracted') then 'loaded' else status end
            order by reading desc
        ) as reading_rank,
        max(reading) over (partition by kind, _source) as newest_reading,
        row_number() over (
            partition by kind, _source, status, reading
            order by _dlt_load_id
        ) as copy_number

    from units

),

judged as (

    select
        *,
        case
            when status <> 'loaded' then 'without_records'
            when reading_rank > 1 then 'superseded'
            when copy_number > 1 then 'duplicate'
            else 'current'
        end as outcome_alone,
        -- A file that waits as a duplicate replaces what its name said before, until it cannot be read after all.
        status = 'duplicate' and replaces is not null and reading = newest_reading as is_waiting

    from numbered

),

ranked as (

    select
        *,
        row_number() over (
            partition by source, kind, replaces, outcome_alone = 'current' or is_waiting
            order by version desc nulls last, receipt_number desc
        ) as newness

    from judged

),

decided as (

    select
        *,
        case
            when outcome_alone = 'current' and replaces is not null and newness > 1 then 'superseded'
            else outcome_alone
        end as outcome

    from ranked

)

select
    source,
    kind,
    _source,
    reading,
    _dlt_load_id,
    unit_type,
    status,
    receipt_number,
    replaces,
    replaces_by,
    asked_date,
    content_sha256,
    received_at,
    records_read,
    records_loaded,
    records_rejected,
    outcome,
    outcome = 'current' and content_sha256 is not null and row_number() over (
        partition by source, kind, content_sha256, outcome
        order by receipt_number
    ) > 1 as is_content_repeated

from decided
