{{ config(materialized='view') }}

with

observed as (

    select * from {{ ref('int_source_performance_observed') }}

    where spend_coverage = 'full'

),

completed as (

    select * from {{ ref('int_source_performance_completed') }}

),

unioned as (

    select
        source,
        account,
        campaign_id,
        ad_id,
        brand,
        country,
        date,
        impressions,
        clicks,
        conversions,
        spend

    from observed

    union all

    select
        source,
        account,
        campaign_id,
        ad_id,
        brand,
        country,
        date,
        impressions,
        clicks,
        conversions,
        spend

    from completed

)

select
    *,
    cast('{{ warehouse_currency() }}' as varchar) as currency,
    {{ ratio('clicks', 'impressions') }} as ctr,
    {{ ratio('spend', 'clicks') }} as cpc,
    {{ ratio('spend', 'impressions', times=1000) }} as cpm,
    {{ ratio('conversions', 'clicks') }} as conversion_rate

from unioned
