-- The balance counts as records come; here what stands in the mart is counted again, of every fetch and file: none may
-- have lost a row, and none that no longer counts, or that the ledger does not know, may have left one.
with

kept as (

    select
        _source,
        count(*) as records_kept

    from {{ ref('processed_campaign_data') }}

    group by _source

),

balances as (

    select
        _source,
        sum(records_kept) as records_kept

    from {{ ref('delivery_balances') }}

    group by _source

)

select
    kept._source,
    kept.records_kept,
    balances.records_kept as records_said_to_be_kept

from balances

full outer join kept
    on balances._source = kept._source

where coalesce(kept.records_kept, 0) <> coalesce(balances.records_kept, -1)
