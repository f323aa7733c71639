-- depends_on: {{ ref('int_delivery_sources') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook='{{ remove_changed_sources() }}',
) }}

with

records as (

    select * from {{ ref('stg_campaign_delivery__records') }}

)

select
    ad_id,
    brand,
    country,
    spend,
    _source

from records

where spend is not null and {{ is_to_be_built() }}
