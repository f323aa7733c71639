{{ config(materialized='view') }}

with

set_aside as (

    select * from {{ ref('int_deliveries_set_aside') }}

)

select *

from set_aside

where rejection_reason is null
