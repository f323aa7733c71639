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
        report_date,
        coalesce(publisher_id, 'Unknown') as publisher_id,
        coalesce(site_domain, 'Unknown') as site_domain,
        coalesce(campaign_id, 'unknown_campaign') as campaign_id,
        invalid_reason,
        clicks,
        net_clicks,
        media_cost

    from ad_events

),

summed as (

    select
        report_date,
        publisher_id,
        site_domain,
        campaign_id,
        count(*) as impressions,
        count(case when invalid_reason is null then 1 end) as net_impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(net_clicks) as bigint) as net_clicks,
        cast(coalesce(sum(media_cost), 0) as decimal(38, 9)) as media_cost

    from named

    group by
        report_date,
        publisher_id,
        site_domain,
        campaign_id

)

select
    *,
    {{ ratio('net_clicks', 'net_impressions') }} as ctr,
    {{ ratio('media_cost', 'impressions', times=1000) }} as cpm

from summed
