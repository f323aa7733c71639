{{ config(**written_anew()) }}

with

set_aside as (

    select * from {{ ref('int_deliveries_set_aside') }}

),

sources as (

    select * from {{ ref('int_delivery_sources') }}

),

medians as (

    select * from {{ ref('int_spend_medians') }}

),

judged as (

    select
        set_aside.*,
        coalesce(
            set_aside.rejection_reason,
            case when medians.imputed_spend is null then 'no_median' end
        ) as reason

    from set_aside

    inner join sources
        on set_aside._source = sources._source and set_aside._dlt_load_id = sources._dlt_load_id

    left join medians
        on
            set_aside.ad_id = medians.ad_id
            and set_aside.brand = medians.brand
            and set_aside.country = medians.country

    where sources.outcome = 'current'

)

select
    reason,
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
    _source,
    _position,
    _received_at

from judged

where reason is not null
