{{ config(database='marts', **full_rewrite()) }}

with

missing_spend as (

    select * from {{ ref('int_deliveries_accepted') }}

    where spend_source = 'missing'

),

medians as (

    select * from {{ ref('int_spend_medians') }}

)

select
    missing_spend.campaign_id,
    missing_spend.ad_id,
    missing_spend.date,
    missing_spend.date_source,
    missing_spend.brand,
    missing_spend.country,
    missing_spend.state,
    missing_spend.city,
    missing_spend.zipcode,
    missing_spend.impressions,
    missing_spend.clicks,
    missing_spend.conversions,
    medians.imputed_spend as spend,
    medians.spend_source,
    missing_spend.account,
    missing_spend.currency,
    missing_spend.original_spend,
    missing_spend.source,
    missing_spend._source,
    missing_spend._position,
    missing_spend._received_at

from missing_spend

inner join medians
    on
        missing_spend.ad_id = medians.ad_id
        and missing_spend.brand = medians.brand
        and missing_spend.country = medians.country
