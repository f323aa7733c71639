with

records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

sources as (

    select * from {{ ref('stg_campaign_delivery__sources') }}

)

select
    records.campaign_id,
    records.ad_id,
    records.date,
    records.brand,
    records.country,
    records.state,
    records.city,
    records.zipcode,
    records.impressions,
    records.clicks,
    try_cast(records.spend as decimal(18, 6)) as spend,
    records.conversions,
    records._source,
    records._position,
    records._received_at

from records

inner join sources
    on records._source = sources._source and records._dlt_load_id = sources._dlt_load_id

where sources.outcome = 'current' and records.rejection_reason is null
