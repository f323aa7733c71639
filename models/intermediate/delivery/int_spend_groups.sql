with

deliveries as (

    select * from {{ ref('int_deliveries_accepted') }}

),

keys as (

    select
        ad_id,
        brand,
        country,
        count(spend) > 0 as has_observed_spend,
        count(spend) < count(*) as has_missing_spend

    from deliveries

    group by
        ad_id,
        brand,
        country

),

-- The four groups that the spends of a key are in, from the narrowest to the widest.
grouped as (

    select
        keys.*,
        tiers.tier,
        tiers.spend_source,
        case when tiers.spend_source in ('ad_country', 'ad') then keys.ad_id else keys.brand end as group_name,
        case when tiers.spend_source in ('ad_country', 'brand_country') then keys.country else '' end as group_country

    from keys

    cross join (values (1, 'ad_country'), (2, 'ad'), (3, 'brand_country'), (4, 'brand')) as tiers (tier, spend_source)

),

observed as (

    select
        *,
        max(case when has_observed_spend then 1 else 0 end) over (
            partition by spend_source, group_name, group_country
        ) as is_group_observed

    from grouped

),

ranked as (

    select
        *,
        row_number() over (
            partition by ad_id, brand, country
            order by is_group_observed desc, tier
        ) as narrowness

    from observed

),

-- The narrowest group with an observed spend gives the spend that is missing.
chosen as (

    select
        *,
        has_missing_spend and is_group_observed = 1 and narrowness = 1 as takes_median

    from ranked

),

needed as (

    select
        *,
        max(case when takes_median then 1 else 0 end) over (
            partition by spend_source, group_name, group_country
        ) as is_group_needed,
        dense_rank() over (order by spend_source, group_name, group_country) as group_number

    from chosen

)

select
    ad_id,
    brand,
    country,
    spend_source,
    group_number,
    has_observed_spend,
    takes_median

from needed

where is_group_needed = 1
