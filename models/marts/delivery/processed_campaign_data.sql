-- depends_on: {{ ref('int_delivery_sources') }}
{{ config(**merged(unique_key=['_source', '_position'], columns=['spend', 'spend_source'])) }}

with

observed as (

    select * from {{ ref('int_deliveries_observed') }}

),

imputed as (

    select * from {{ ref('int_deliveries_imputed') }}

),

kept as (

    select
        campaign_id,
        ad_id,
        date,
        brand,
        country,
        state,
        city,
        zipcode,
        impressions,
        clicks,
        spend,
        conversions,
        'observed' as spend_source,
        _source,
        _position,
        _received_at

    from observed

    where {{ is_to_be_built() }}

    union all

    select
        campaign_id,
        ad_id,
        date,
        brand,
        country,
        state,
        city,
        zipcode,
        impressions,
        clicks,
        spend,
        conversions,
        spend_source,
        _source,
        _position,
        _received_at

    from imputed

    {% if is_incremental() %}

        union all

        -- Rows that must go come with their key alone.
        select
            null as campaign_id,
            null as ad_id,
            null as date,
            null as brand,
            null as country,
            null as state,
            null as city,
            null as zipcode,
            null as impressions,
            null as clicks,
            null as spend,
            null as conversions,
            null as spend_source,
            present._source,
            present._position,
            null as _received_at

        from {{ this }} as present

        left join imputed
            on present._source = imputed._source and present._position = imputed._position

        where
            present._source not in (
                select sources._source from {{ ref('int_delivery_sources') }} as sources
                where sources.outcome = 'current'
            )
            or (present.spend_source <> 'observed' and imputed._source is null)

    {% endif %}

),

rated as (

    select
        campaign_id,
        ad_id,
        date,
        brand,
        country,
        state,
        city,
        zipcode,
        impressions,
        clicks,
        spend,
        conversions,
        spend_source,
        {{ ratio('clicks', 'impressions') }} as ctr,
        {{ ratio('spend', 'clicks') }} as cpc,
        {{ ratio('spend', 'impressions', times=1000) }} as cpm,
        {{ ratio('conversions', 'clicks') }} as conversion_rate,
        _source,
        _position,
        _received_at

    from kept

)

select * from rated
