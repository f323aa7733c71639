{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['_source', '_position'],
    partitioned_by=['month(date)'],
    **merge_where_changed('impressions', ['spend', 'spend_source']),
) }}

with

records as (

    select * from {{ ref('stg_campaign_delivery__records') }}

),

imputed as (

    select * from {{ ref('int_deliveries_imputed') }}

),

sources as (

    select * from {{ ref('int_delivery_sources') }}

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

    from records

    where
        spend is not null
        and _source in (
            select sources._source from sources
            where {{ is_to_be_built() }}
        )

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
            present._source not in (select sources._source from sources where sources.outcome = 'current')
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
