{{ config(**full_rewrite()) }}

with

ad_days as (

    select * from {{ ref('int_campaign_ad_days') }}

),

hours as (

    select * from {{ ref('hourly_performance') }}

),

orphan_clicks as (

    select * from {{ ref('orphan_clicks') }}

),

-- Events name no brand.
unioned as (

    select
        campaign_id,
        ad_id,
        brand,
        min(date) as first_date,
        max(date) as last_date,
        sum(impressions) as impressions

    from ad_days

    group by
        campaign_id,
        ad_id,
        brand

    union all

    select
        campaign_id,
        ad_id,
        'Unknown' as brand,
        min(report_date) as first_date,
        max(report_date) as last_date,
        0 as impressions

    from hours

    group by
        campaign_id,
        ad_id

    union all

    select
        campaign_id,
        ad_id,
        'Unknown' as brand,
        min(report_date) as first_date,
        max(report_date) as last_date,
        0 as impressions

    from orphan_clicks

    where ad_id is not null

    group by
        campaign_id,
        ad_id

)

select
    coalesce(campaign_id, 'unknown_campaign') as campaign_id,
    ad_id,
    brand,
    min(first_date) as first_date,
    max(last_date) as last_date,
    cast(sum(impressions) as bigint) as impressions

from unioned

group by
    coalesce(campaign_id, 'unknown_campaign'),
    ad_id,
    brand
