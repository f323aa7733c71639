{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['_source', '_dlt_load_id'],
) }}

with

sources as (

    select * from {{ ref('stg_campaign_delivery__sources') }}

)

select
    sources._source,
    sources._dlt_load_id,
    sources.outcome,
    {{ completed_build() }} + 1 as changed_in_build

from sources

{% if is_incremental() %}

    left join {{ this }} as known
        on sources._source = known._source and sources._dlt_load_id = known._dlt_load_id

    where known.outcome is distinct from sources.outcome

{% endif %}
