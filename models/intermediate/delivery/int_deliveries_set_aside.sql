{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook='{{ remove_changed_sources() }}',
) }}

with

records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

sources as (

    select * from {{ ref('int_delivery_sources') }}

)

select records.*

from records

inner join sources
    on records._source = sources._source and records._dlt_load_id = sources._dlt_load_id

where
    sources.outcome = 'current'
    and (records.rejection_reason is not null or records.spend is null)
    and {{ is_to_be_built('records._source') }}
