{{ config(**written_anew()) }}

with

performances as (

    {{ observed_with_imputed(
        apart='int_daily_performance_observed',
        together='campaign_performance',
        columns=['date', 'brand', 'country', 'impressions', 'clicks', 'conversions', 'spend'],
    ) }}

),

summed as (

    select
        date,
        brand,
        country,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(spend) as decimal(38, 6)) as spend

    from performances

    group by
        date,
        brand,
        country

),

rated as (

    select
        *,
        {{ ratio_or_zero('clicks', 'impressions') }} as ctr,
        {{ ratio_or_zero('spend', 'clicks') }} as cpc,
        {{ ratio_or_zero('spend', 'impressions', times=1000) }} as cpm,
        {{ ratio_or_zero('conversions', 'clicks') }} as conversion_rate

    from summed

)

select * from rated
