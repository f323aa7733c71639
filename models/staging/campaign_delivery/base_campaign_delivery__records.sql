with

records as (

    select * from {{ source('raw', 'campaign_delivery') }}

),

typed as (

    select
        campaign_id,
        ad_id,
        coalesce(date, cast({{ as_utc('_received_at') }} as date)) as date,
        brand,
        country,
        state,
        city,
        zipcode,
        impressions,
        clicks,
        cast(spend as decimal(38, 6)) as spend,
        conversions,
        _source,
        _position,
        {{ as_utc('_received_at') }} as _received_at,
        _dlt_load_id

    from records

),

-- Before the texts get their defaults, so that no engine settles the texts of rows that it then leaves out.
checked as (

    select
        *,
        {{ delivery_rejection_reason() }} as rejection_reason

    from typed

),

defaulted as (

    select
        coalesce({{ null_if_blank('campaign_id') }}, 'unknown_campaign') as campaign_id,
        coalesce({{ null_if_blank('ad_id') }}, 'unknown_ad') as ad_id,
        date,
        coalesce({{ null_if_blank('brand') }}, 'Unknown') as brand,
        coalesce({{ null_if_blank('country') }}, 'Unknown') as country,
        coalesce({{ null_if_blank('state') }}, 'Unknown') as state,
        coalesce({{ null_if_blank('city') }}, 'Unknown') as city,
        coalesce({{ null_if_blank('zipcode') }}, '0000') as zipcode,
        impressions,
        clicks,
        spend,
        conversions,
        _source,
        _position,
        _received_at,
        _dlt_load_id,
        rejection_reason

    from checked

)

select * from defaulted
