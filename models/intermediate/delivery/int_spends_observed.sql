{{ config(materialized='view') }}

with

spends as (

    select * from {{ ref('int_spends') }}

),

sources as (

    select * from {{ ref('int_delivery_sources') }}

)

select
    spends.ad_id,
    spends.brand,
    spends.country,
    spends.spend

from spends

inner join sources
    on spends._source = sources._source and spends._dlt_load_id = sources._dlt_load_id

where sources.outcome = 'current'
