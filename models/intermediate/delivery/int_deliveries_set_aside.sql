{{ config(materialized='incremental', incremental_strategy='append') }}

with

records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

sources as (

    select known.* from {{ ref('int_delivery_sources') }} as known

    where known.outcome = 'current' and {{ is_to_be_appended('known') }}

)

select records.*

from records

inner join sources
    on records._source = sources._source and records._dlt_load_id = sources._dlt_load_id

where records.rejection_reason is not null or records.spend is null
