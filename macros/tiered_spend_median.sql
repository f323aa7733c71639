{% macro tiered_spend_median(observed, missing) %}
    {#-
        The spend that stands in for a missing one: the median over the narrowest group that has any observed spend, by ad
        and country, then ad, then brand and country, then brand. A select with one row per (ad_id, brand, country) of
        `missing`: the keys, `imputed_spend` and `spend_source` (the group's name), both null where no group has a spend.

        `observed` has ad_id, brand, country and a spend that is never null. Pass relations, not CTEs: DuckDB would copy a
        CTE that four groups read. A wider group is computed only for the keys that no narrower one could fill.
    #}
    {{ return(adapter.dispatch('tiered_spend_median')(observed, missing)) }}
{% endmacro %}

{% macro default__tiered_spend_median(observed, missing) %}
    {#-
        Trino writes a CTE out wherever it is named, and refuses a query that grows beyond 150 stages that way. So all four
        groups go through one median, as values of one key: the group's name and what its rows have in common.
    -#}
    {%- set group_keys -%}
        unnest(
            array[
                array['ad_country', ad_id, country], array['ad', ad_id], array['brand_country', brand, country], array['brand', brand]
            ]
        ) with ordinality as group_keys (group_key, wideness)
    {%- endset -%}

    with

    lacking_spend as (

        select distinct
            ad_id,
            brand,
            country

        from {{ missing }}

    ),

    observed_groups as (

        select distinct group_keys.group_key

        from (select distinct ad_id, brand, country from {{ observed }}) as observed_keys

        cross join {{ group_keys }}

    ),

    narrowest_groups as (

        select
            lacking_spend.ad_id,
            lacking_spend.brand,
            lacking_spend.country,
            min_by(group_keys.group_key, group_keys.wideness) as group_key

        from lacking_spend

        cross join {{ group_keys }}

        inner join observed_groups
            on group_keys.group_key = observed_groups.group_key

        group by
            lacking_spend.ad_id,
            lacking_spend.brand,
            lacking_spend.country

    ),

    spends_of_groups as (

        select
            group_keys.group_key,
            observed_spends.spend

        from {{ observed }} as observed_spends

        cross join {{ group_keys }}

    ),

    medians as (

        {{ exact_medians('spends_of_groups', ['group_key'], 'spend', 'narrowest_groups') }}

    )

    select
        lacking_spend.ad_id,
        lacking_spend.brand,
        lacking_spend.country,
        medians.median_spend as imputed_spend,
        medians.group_key[1] as spend_source

    from lacking_spend

    left join narrowest_groups
        on
            lacking_spend.ad_id = narrowest_groups.ad_id
            and lacking_spend.brand = narrowest_groups.brand
            and lacking_spend.country = narrowest_groups.country

    left join medians
        on narrowest_groups.group_key = medians.group_key
{% endmacro %}

{% macro duckdb__tiered_spend_median(observed, missing) %}
    with

    lacking_spend as (

        select distinct
            ad_id,
            brand,
            country

        from {{ missing }}

    ),

    by_ad_country as (

        {{ exact_medians(observed, ['ad_id', 'country'], 'spend', 'lacking_spend') }}

    ),

    lacking_ad_country as (

        select lacking_spend.*

        from lacking_spend

        where not exists (
            select 1 from by_ad_country
            where lacking_spend.ad_id = by_ad_country.ad_id and lacking_spend.country = by_ad_country.country
        )

    ),

    by_ad as (

        {{ exact_medians(observed, ['ad_id'], 'spend', 'lacking_ad_country') }}

    ),

    lacking_ad as (

        select lacking_ad_country.*

        from lacking_ad_country

        where not exists (
            select 1 from by_ad
            where lacking_ad_country.ad_id = by_ad.ad_id
        )

    ),

    by_brand_country as (

        {{ exact_medians(observed, ['brand', 'country'], 'spend', 'lacking_ad') }}

    ),

    lacking_brand_country as (

        select lacking_ad.*

        from lacking_ad

        where not exists (
            select 1 from by_brand_country
            where lacking_ad.brand = by_brand_country.brand and lacking_ad.country = by_brand_country.country
        )

    ),

    by_brand as (

        {{ exact_medians(observed, ['brand'], 'spend', 'lacking_brand_country') }}

    )

    select
        lacking_spend.ad_id,
        lacking_spend.brand,
        lacking_spend.country,
        coalesce(
            by_ad_country.median_spend, by_ad.median_spend, by_brand_country.median_spend, by_brand.median_spend
        ) as imputed_spend,
        case
            when by_ad_country.median_spend is not null then 'ad_country'
            when by_ad.median_spend is not null then 'ad'
            when by_brand_country.median_spend is not null then 'brand_country'
            when by_brand.median_spend is not null then 'brand'
        end as spend_source

    from lacking_spend

    left join by_ad_country
        on lacking_spend.ad_id = by_ad_country.ad_id and lacking_spend.country = by_ad_country.country

    left join by_ad
        on lacking_spend.ad_id = by_ad.ad_id

    left join by_brand_country
        on lacking_spend.brand = by_brand_country.brand and lacking_spend.country = by_brand_country.country

    left join by_brand
        on lacking_spend.brand = by_brand.brand
{% endmacro %}
