-- depends_on: {{ ref('int_deliveries_touched') }}
{{ config(**merged(unique_key=['campaign_id', 'brand', 'country', 'state', 'city', 'zipcode', 'date'])) }}

with

deliveries as (

    {{ observed_with_imputed(
        apart='int_campaign_performance_observed',
        together='processed_campaign_data',
        columns=['campaign_id', 'brand', 'country', 'state', 'city', 'zipcode', 'date']
        + ['impressions', 'clicks', 'conversions', 'spend'],
    ) }}

),

{% if is_incremental() %}

    touched as (

        select distinct
            campaign_id,
            brand,
            country,
            state,
            city,
            zipcode,
            date

        from {{ ref('int_deliveries_touched') }}

    ),

{% endif %}

summed as (

    select
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(spend) as decimal(38, 6)) as spend

    {% if is_incremental() %}
        -- A touched group without deliveries sums to null, and the merge takes it out.
        from touched

        left join deliveries
            using (campaign_id, brand, country, state, city, zipcode, date)
    {% else %}
        from deliveries
    {% endif %}

    group by
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date

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
