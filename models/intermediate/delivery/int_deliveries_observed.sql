-- depends_on: {{ ref('int_delivery_sources') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(date)'],
    pre_hook='{{ remove_changed_sources() }}',
    database='marts',
) }}

with

records as (

    select * from {{ ref('stg_campaign_delivery__records') }}

)

select *

from records

where spend is not null and {{ is_to_be_built() }}
