{{ config(**full_rewrite()) }}

with

campaign_ads as (

    select * from {{ ref('int_campaign_ads') }}

),

names as (

    select * from {{ ref('stg_ad_names__ads') }}

),

-- An ad has one brand: of several the one that most of its impressions name.
brands as (

    select
        ad_id,
        brand,
        row_number() over (partition by ad_id order by sum(impressions) desc, brand) as place

    from campaign_ads

    where ad_id <> 'unknown_ad' and brand <> 'Unknown'

    group by
        ad_id,
        brand

),

seen as (

    select
        ad_id,
        count(distinct campaign_id) as campaigns,
        min(first_date) as first_date,
        max(last_date) as last_date

    from campaign_ads

    group by ad_id

),

ids as (

    select ad_id from seen

    union distinct

    select ad_id from names

)

select
    ids.ad_id,
    coalesce(names.name, ids.ad_id) as name,
    coalesce(names.brand, brands.brand, 'Unknown') as brand,
    case
        when names.brand is not null then 'seed'
        when brands.brand is not null then 'delivery'
        else 'none'
    end as brand_source,
    names.ad_group,
    names.status,
    cast(coalesce(seen.campaigns, 0) as bigint) as campaigns,
    seen.first_date,
    seen.last_date

from ids

left join seen
    on ids.ad_id = seen.ad_id

left join brands
    on ids.ad_id = brands.ad_id and brands.place = 1

left join names
    on ids.ad_id = names.ad_id
