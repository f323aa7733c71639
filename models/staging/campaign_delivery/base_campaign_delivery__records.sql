with

records as (

    select * from {{ source('raw', 'campaign_delivery') }}

),

defaulted as (

    select
        coalesce({{ null_if_blank('campaign_id') }}, 'unknown_campaign') as campaign_id,
        coalesce({{ null_if_blank('ad_id') }}, 'unknown_ad') as ad_id,
        coalesce(date, cast({{ as_utc('_received_at') }} as date)) as date,
        coalesce({{ null_if_blank('brand') }}, 'Unknown') as brand,
        coalesce({{ null_if_blank('country') }}, 'Unknown') as country,
        coalesce({{ null_if_blank('state') }}, 'Unknown') as state,
        coalesce({{ null_if_blank('city') }}, 'Unknown') as city,
        coalesce({{ null_if_blank('zipcode') }}, '0000') as zipcode,
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

checked as (

    select
        *,
        {{ delivery_rejection_reason() }} as rejection_reason

    from defaulted

)

select * from checked
