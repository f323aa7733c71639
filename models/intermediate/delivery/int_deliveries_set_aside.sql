{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['_source', '_position', '_dlt_load_id'],
) }}

with

records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

sources as (

    select * from {{ ref('int_delivery_sources') }}

    where outcome = 'current' and {{ is_to_be_built() }}

)

select records.*

from records

inner join sources
    on records._source = sources._source and records._dlt_load_id = sources._dlt_load_id

where records.rejection_reason is not null or records.spend is null
