-- A warning about the source: an ad comes with two brands, of which `dim_ads` takes the one of most impressions. Where
-- the seed names the brand, somebody has decided.
{{ config(severity='warn', meta={'has_message': true}) }}

with

campaign_ads as (

    select * from {{ ref('int_campaign_ads') }}

    where brand <> 'Unknown'

),

ads as (

    select * from {{ ref('dim_ads') }}

    where brand_source = 'delivery'

)

select
    ads.ad_id,
    'ad ' || ads.ad_id || ' has ' || cast(count(distinct campaign_ads.brand) as varchar) || ' brands, '
    || min(campaign_ads.brand) || ' and ' || max(campaign_ads.brand) || ' among them; dim_ads takes ' || ads.brand
    || ', which has most impressions: add the right one to seeds/ad_names.csv' as message

from campaign_ads

inner join ads
    on campaign_ads.ad_id = ads.ad_id

group by
    ads.ad_id,
    ads.brand

having count(distinct campaign_ads.brand) > 1
