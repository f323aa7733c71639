{{ config(**written_anew()) }}

with

set_aside as (

    select * from {{ ref('int_deliveries_set_aside') }}

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

    left join medians
        on
            set_aside.ad_id = medians.ad_id
            and set_aside.brand = medians.brand
            and set_aside.country = medians.country

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
