{{ config(materialized='view') }}

with

set_aside as (

    select * from {{ ref('int_deliveries_set_aside') }}

),

sources as (

    select * from {{ ref('int_delivery_sources') }}

)

select set_aside.*

from set_aside

inner join sources
    on set_aside._source = sources._source and set_aside._dlt_load_id = sources._dlt_load_id

where sources.outcome = 'current' and set_aside.rejection_reason is null
