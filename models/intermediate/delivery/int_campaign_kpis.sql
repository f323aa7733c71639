{{ config(materialized='view') }}

with

campaign_days as (

    select * from {{ ref('int_campaign_days') }}

),

scoped as (

    select
        'campaign' as scope,
        campaign_id,
        date,
        impressions,
        clicks,
        conversions,
        spend

    from campaign_days

    union all

    select
        'all' as scope,
        'all_campaigns' as campaign_id,
        date,
        {{ metric_sums() }}

    from campaign_days

    group by date

)

select
    scope,
    campaign_id,
    date,
    cast(impressions as decimal(38, 9)) as impressions,
    cast(clicks as decimal(38, 9)) as clicks,
    cast(conversions as decimal(38, 9)) as conversions,
    cast(spend as decimal(38, 9)) as spend,
    {{ exact_ratio('clicks', 'nullif(impressions, 0)') }} as ctr,
    {{ exact_ratio('spend', 'nullif(impressions, 0)', times=1000) }} as cpm,
    {{ exact_ratio('spend', 'nullif(clicks, 0)') }} as cpc,
    {{ exact_ratio('conversions', 'nullif(clicks, 0)') }} as cvr,
    {{ exact_ratio('spend', 'nullif(conversions, 0)') }} as cpa

from scoped
