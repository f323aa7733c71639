{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed('date', kind='ad_events') }}",
) }}

with

ad_events as (

    select * from {{ ref('ad_events') }}

    where {{ is_changed('report_date', kind='ad_events') }}

)

select
    coalesce(campaign_id, 'unknown_campaign') as campaign_id,
    campaign_id is not null as has_campaign,
    report_date as date,
    invalid_reason is null as is_net,
    processed_time,
    count(*) as impressions,
    cast(sum(clicks) as bigint) as clicks,
    cast(sum(net_clicks) as bigint) as net_clicks,
    cast(coalesce(sum(media_cost), 0) as decimal(38, 9)) as media_cost

from ad_events

group by
    campaign_id,
    report_date,
    invalid_reason is null,
    processed_time
