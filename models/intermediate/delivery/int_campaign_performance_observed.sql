{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(date)', 'spend_coverage'],
    pre_hook="{{ delete_changed('date', kind='campaign_delivery') }}",
    database='marts',
) }}

-- From the sums of creatives, not from the records: one after the other, the two fit into memory.
with

creatives as (

    select * from {{ ref('int_creative_performance_observed') }}

    where {{ is_changed('date', kind='campaign_delivery') }}

),

summed as (

    select
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date,
        {{ metric_sums() }},
        case when bool_and(spend_coverage = 'full') then 'full' else 'partial' end as spend_coverage

    from creatives

    group by
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date

    having count(spend) > 0

)

select * from summed

{{ in_order_of('date') }}
