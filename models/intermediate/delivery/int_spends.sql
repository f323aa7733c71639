{{ config(materialized='incremental', incremental_strategy='append') }}

with

records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

sources as (

    select known.* from {{ ref('int_delivery_sources') }} as known

    where known.outcome = 'current' and {{ is_to_be_appended('known') }}

)

select
    records.ad_id,
    records.brand,
    records.country,
    cast(records.spend as decimal(18, 6)) as spend,
    records._source,
    records._dlt_load_id

from records

inner join sources
    on records._source = sources._source and records._dlt_load_id = sources._dlt_load_id

where records.rejection_reason is null and records.spend is not null
