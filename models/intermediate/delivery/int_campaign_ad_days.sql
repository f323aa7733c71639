{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(date)'],
    pre_hook="{{ delete_changed('date', kind='campaign_delivery') }}",
) }}

with

performances as (

    select * from {{ ref('source_performance') }}

    where {{ is_changed('date', kind='campaign_delivery') }}

)

select
    campaign_id,
    ad_id,
    brand,
    date,
    cast(sum(impressions) as bigint) as impressions

from performances

group by
    campaign_id,
    ad_id,
    brand,
    date
