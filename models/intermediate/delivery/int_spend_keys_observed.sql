{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(date)'],
    pre_hook="{{ delete_changed('date', kind='campaign_delivery') }}",
) }}

with

performances as (

    select * from {{ ref('int_creative_performance_observed') }}

    where spend_coverage <> 'none' and {{ is_changed('date', kind='campaign_delivery') }}

)

select distinct
    ad_id,
    brand,
    country,
    date

from performances
