with

units as (

    select * from {{ ref('stg_ingest__units') }}

),

numbered as (

    select
        *,
        dense_rank() over (
            partition by kind, _source, status
            order by reading desc
        ) as reading_rank,
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
        end as outcome_alone

    from numbered

),

ranked as (

    select
        *,
        row_number() over (
            partition by source, kind, replaces, outcome_alone
            order by receipt_number desc
        ) as newness

    from judged

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
    received_at,
    records_read,
    records_loaded,
    records_rejected,
    case
        when outcome_alone = 'current' and replaces is not null and newness > 1 then 'superseded'
        else outcome_alone
    end as outcome

from ranked
