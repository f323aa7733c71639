{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(report_date)'],
    pre_hook="{{ delete_changed('report_date', kind='ad_events') }}",
) }}

with

ad_events as (

    select * from {{ ref('ad_events') }}

    where {{ is_changed('report_date', kind='ad_events') }}

),

named as (

    select
        {{ report_hour_of('event_time') }} as hour_at,
        report_date,
        coalesce(campaign_id, 'unknown_campaign') as campaign_id,
        ad_id,
        coalesce(publisher_id, 'Unknown') as publisher_id,
        coalesce(platform, 'Unknown') as platform,
        coalesce(device_type, 'Unknown') as device_type,
        coalesce(geo_location, 'Unknown') as geo_location,
        invalid_reason,
        clicks,
        net_clicks,
        media_cost,
        click_revenue

    from ad_events

),

summed as (

    select
        hour_at,
        report_date,
        campaign_id,
        ad_id,
        publisher_id,
        platform,
        device_type,
        geo_location,
        count(*) as impressions,
        count(case when invalid_reason is null then 1 end) as net_impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(net_clicks) as bigint) as net_clicks,
        cast(coalesce(sum(media_cost), 0) as decimal(38, 9)) as media_cost,
        cast(coalesce(sum(click_revenue), 0) as decimal(38, 6)) as click_revenue

    from named

    group by
        hour_at,
        report_date,
        campaign_id,
        ad_id,
        publisher_id,
        platform,
        device_type,
        geo_location

)

select
    *,
    {{ ratio('net_clicks', 'net_impressions') }} as ctr,
    {{ ratio('media_cost', 'impressions', times=1000) }} as cpm

from summed
