{{ config(**full_rewrite()) }}

with

campaign_ads as (

    select * from {{ ref('int_campaign_ads') }}

),

names as (

    select * from {{ ref('stg_campaign_names__campaigns') }}

),

-- Everything that names a campaign; a bid or a conversion need not name an ad.
mentions as (

    select
        campaign_id,
        first_date,
        last_date

    from campaign_ads

    union all

    select
        campaign_id,
        date as first_date,
        date as last_date

    from {{ ref('campaign_funnel') }}

    union all

    select
        campaign_id,
        date as first_date,
        date as last_date

    from {{ ref('campaign_attribution') }}

    where campaign_id <> 'unattributed'

    union all

    select
        campaign_id,
        null as first_date,
        null as last_date

    from {{ ref('stg_campaign_targets__flights') }}

    union all

    select
        campaign_id,
        null as first_date,
        null as last_date

    from names

),

seen as (

    select
        campaign_id,
        min(first_date) as first_date,
        max(last_date) as last_date

    from mentions

    group by campaign_id

),

ads as (

    select distinct
        campaign_ads.campaign_id,
        campaign_ads.ad_id,
        dim_ads.brand

    from campaign_ads

    inner join {{ ref('dim_ads') }} as dim_ads
        on campaign_ads.ad_id = dim_ads.ad_id

),

counted as (

    select
        campaign_id,
        count(*) as ads

    from ads

    group by campaign_id

),

known as (

    select distinct
        campaign_id,
        brand

    from ads

    where brand <> 'Unknown'

),

branded as (

    select
        campaign_id,
        {{ dbt.listagg('brand', "', '", 'order by brand') }} as brands

    from known

    group by campaign_id

)

select
    seen.campaign_id,
    coalesce(names.name, seen.campaign_id) as name,
    names.advertiser,
    names.channel,
    names.status,
    branded.brands,
    cast(coalesce(counted.ads, 0) as bigint) as ads,
    seen.first_date,
    seen.last_date

from seen

left join names
    on seen.campaign_id = names.campaign_id

left join counted
    on seen.campaign_id = counted.campaign_id

left join branded
    on seen.campaign_id = branded.campaign_id
