{{ config(**written_anew()) }}

with

balances as (

    select * from {{ ref('delivery_balances') }}

),

summed as (

    select
        source,
        cast(received_at as date) as received_date,
        cast(sum(case when kind = 'fetch' then 1 else 0 end) as bigint) as fetches,
        cast(sum(case when kind = 'fetch' and status = 'unchanged' then 1 else 0 end) as bigint) as fetches_unchanged,
        cast(sum(case when kind = 'fetch' and status = 'failed' then 1 else 0 end) as bigint) as fetches_failed,
        cast(sum(case when kind = 'file' then 1 else 0 end) as bigint) as files,
        cast(sum(case when status = 'duplicate' then 1 else 0 end) as bigint) as files_duplicate,
        cast(sum(case when status = 'quarantined' then 1 else 0 end) as bigint) as files_quarantined,
        cast(sum(records_read) as bigint) as records_read,
        cast(sum(records_rejected) as bigint) as records_rejected,
        cast(sum(records_loaded) as bigint) as records_loaded,
        cast(sum(records_superseded) as bigint) as records_superseded,
        cast(sum(records_duplicate) as bigint) as records_duplicate,
        cast(sum(records_quarantined) as bigint) as records_quarantined,
        cast(sum(records_kept) as bigint) as records_kept

    from balances

    group by
        source,
        cast(received_at as date)

)

select * from summed
