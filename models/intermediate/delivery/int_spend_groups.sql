with

observed_keys as (

    select * from {{ ref('int_spend_keys_observed') }}

),

missing_spend as (

    select * from {{ ref('int_deliveries_accepted') }}

    where spend_source = 'missing'

),

unioned as (

    select
        ad_id,
        brand,
        country,
        true as is_observed,
        false as is_missing

    from observed_keys

    union all

    select
        ad_id,
        brand,
        country,
        false as is_observed,
        true as is_missing

    from missing_spend

),

keys as (

    select
        ad_id,
        brand,
        country,
        bool_or(is_observed) as has_observed_spend,
        bool_or(is_missing) as has_missing_spend

    from unioned

    group by
        ad_id,
        brand,
        country

),

-- The four groups that each key is in, from the narrowest to the widest.
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
        bool_or(has_observed_spend) over (
            partition by spend_source, group_name, group_country
        ) as is_observed

    from grouped

),

-- A missing spend takes the median of the narrowest group that has an observed one.
chosen as (

    select
        *,
        has_missing_spend and is_observed and tier = min(case when is_observed then tier end) over (
            partition by ad_id, brand, country
        ) as takes_median

    from observed

),

numbered as (

    select
        *,
        bool_or(takes_median) over (
            partition by spend_source, group_name, group_country
        ) as is_needed,
        dense_rank() over (order by spend_source, group_name, group_country) as group_number

    from chosen

)

select
    ad_id,
    brand,
    country,
    spend_source,
    group_number,
    takes_median

from numbered

where is_needed
