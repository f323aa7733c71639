{{ config(materialized='incremental', incremental_strategy='append') }}

with

records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

sources as (

    select * from {{ ref('int_delivery_sources') }}

    where
        outcome = 'current'
        {% if is_incremental() %}
            and {{ has_changed() }}
            and _source not in (select present._source from {{ this }} as present)
        {% endif %}

)

select records.*

from records

inner join sources
    on records._source = sources._source and records._dlt_load_id = sources._dlt_load_id

where records.rejection_reason is not null or records.spend is null
