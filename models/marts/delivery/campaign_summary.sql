{{ config(**written_anew()) }}

with

performances as (

    {{ observed_with_imputed(
        apart='int_daily_performance_observed',
        together='campaign_performance',
        columns=['campaign_id', 'impressions', 'clicks', 'spend', 'conversions'],
    ) }}

),

summed as (

    select
        campaign_id,
        cast(sum(impressions) as bigint) as total_impressions,
        cast(sum(clicks) as bigint) as total_clicks,
        cast(sum(spend) as decimal(38, 6)) as total_spend,
        cast(sum(conversions) as bigint) as total_conversions

    from performances

    group by campaign_id

),

rated as (

    select
        *,
        {{ ratio_or_zero('total_clicks', 'total_impressions') }} as ctr,
        {{ ratio_or_zero('total_spend', 'total_clicks') }} as cpc,
        {{ ratio_or_zero('total_spend', 'total_impressions', times=1000) }} as cpm,
        {{ ratio_or_zero('total_conversions', 'total_clicks') }} as conversion_rate

    from summed

)

select * from rated
