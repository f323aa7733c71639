-- The balance counts records when they come; this test counts the rows of the marts again, for every fetch and file:
-- none may have lost a row, and none that does not count, or that the ledger does not know, may have left one.
with

deliveries as (

    select * from {{ ref('processed_campaign_data') }}

),

-- A new kind of records that has days adds a CTE like this one, and joins the union below.
delivery_rows as (

    select
        'campaign_delivery' as kind,
        _source,
        count(*) as mart_rows

    from deliveries

    group by _source

),

mart_rows as (

    select * from delivery_rows

),

balances as (

    select
        kind,
        _source,
        sum(records_kept) as records_kept

    from {{ ref('source_balances') }}

    where {{ has_unit_days('kind') }}

    group by
        kind,
        _source

)

select
    coalesce(balances.kind, mart_rows.kind) as kind,
    coalesce(balances._source, mart_rows._source) as _source,
    mart_rows.mart_rows,
    balances.records_kept

from balances

full outer join mart_rows
    on balances.kind = mart_rows.kind and balances._source = mart_rows._source

where coalesce(mart_rows.mart_rows, 0) <> coalesce(balances.records_kept, -1)
