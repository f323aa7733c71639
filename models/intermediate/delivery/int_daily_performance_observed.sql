{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(date)'],
    pre_hook="{{ delete_changed('date', kind='campaign_delivery') }}",
) }}

with

performances as (

    select * from {{ ref('int_campaign_performance_observed') }}

    where {{ is_changed('date', kind='campaign_delivery') }}

)

select
    date,
    brand,
    country,
    {{ metric_sums() }}

from performances

group by
    date,
    brand,
    country
