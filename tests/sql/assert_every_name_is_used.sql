-- A warning about the names that people wrote down: nothing was delivered or logged of the id, which may be misspelt.
{{ config(severity='warn', meta={'has_message': true}) }}

with

unused as (

    select
        'seeds/campaign_names.csv' as seed,
        campaign_names.campaign_id as id

    from {{ ref('stg_campaign_names__campaigns') }} as campaign_names

    inner join {{ ref('dim_campaigns') }} as dim_campaigns
        on campaign_names.campaign_id = dim_campaigns.campaign_id

    where dim_campaigns.first_date is null

    union all

    select
        'seeds/ad_names.csv' as seed,
        ad_names.ad_id as id

    from {{ ref('stg_ad_names__ads') }} as ad_names

    inner join {{ ref('dim_ads') }} as dim_ads
        on ad_names.ad_id = dim_ads.ad_id

    where dim_ads.first_date is null

)

select
    seed,
    count(*) as ids,
    seed || ': nothing was delivered or logged of ' || min(id)
    || case when count(*) > 1 then ' and ' || cast(count(*) - 1 as varchar) || ' others' else '' end
    || '; is the id right?' as message

from unused

group by seed
