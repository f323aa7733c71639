{{ config(**full_rewrite()) }}

with

balances as (

    select * from {{ ref('source_balances') }}

),

-- A unit may be read again, for example when a file was retracted or restored: of its readings the one that counts,
-- else the newest, says what became of it.
read_last as (

    select
        *,
        max(reading) over (partition by kind, _source) as newest_reading,
        max(case when outcome = 'current' then reading end) over (partition by kind, _source) as current_reading

    from balances

),

summed as (

    select
        source,
        cast(received_at as date) as received_date,
        count(distinct case when unit_type = 'fetch' then _source end) as fetches,
        count(distinct case when unit_type = 'fetch' and status = 'unchanged' then _source end) as fetches_unchanged,
        count(distinct case when unit_type = 'fetch' and status = 'failed' then _source end) as fetches_failed,
        count(distinct case when unit_type = 'fetch' and warning is not null then _source end) as fetches_unusable,
        count(distinct case when unit_type = 'file' then _source end) as files,
        count(distinct case when status = 'duplicate' then _source end) as files_duplicate,
        count(distinct case when status = 'quarantined' then _source end) as files_quarantined,
        count(distinct case when status = 'retracted' then _source end) as files_retracted,
        count(distinct case when unit_type = 'file' and warning is not null then _source end) as files_unusable,
        cast(sum(records_read) as bigint) as records_read,
        cast(sum(records_rejected) as bigint) as records_rejected,
        cast(sum(records_loaded) as bigint) as records_loaded,
        cast(sum(records_superseded) as bigint) as records_superseded,
        cast(sum(records_duplicate) as bigint) as records_duplicate,
        cast(sum(records_quarantined) as bigint) as records_quarantined,
        cast(sum(records_kept) as bigint) as records_kept

    from read_last

    where reading = coalesce(current_reading, newest_reading)

    group by
        source,
        cast(received_at as date)

)

select * from summed
