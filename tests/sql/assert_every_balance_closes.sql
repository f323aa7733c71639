-- Nothing is lost and nothing counted twice: of every fetch and file, what was read was loaded or rejected, is in raw,
-- and went exactly one way from there.
with

balances as (

    select * from {{ ref('source_balances') }}

)

select *

from balances

where
    records_read <> records_loaded + records_rejected
    or records_found <> records_loaded
    or records_loaded <> records_superseded + records_duplicate + records_quarantined + records_kept
