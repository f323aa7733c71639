-- The peer: what a good engineer writes by hand for one file of delivery and DuckDB alone, to get the processed table and
-- the four marts of the widest grains. The variables `delivery_file` and `received_at` say what was received when.
--
-- Of the variants tried that make tables this is the fastest: values are settled while they are read, which runs on all
-- threads; the row number of a table is the position (counting in the reading query would take one thread); medians are taken
-- of only the keys that lack a spend. Spend is read as text, because a JSON number read into a decimal may pass through a
-- double.
create temp table received as

select
    coalesce(nullif(trim(account), ''), 'unknown_account') as account,
    coalesce(nullif(trim(campaign_id), ''), 'unknown_campaign') as campaign_id,
    coalesce(nullif(trim(ad_id), ''), 'unknown_ad') as ad_id,
    coalesce(date, cast(getvariable('received_at') as date)) as date,
    coalesce(nullif(trim(brand), ''), 'Unknown') as brand,
    coalesce(nullif(trim(country), ''), 'Unknown') as country,
    coalesce(nullif(trim(state), ''), 'Unknown') as state,
    coalesce(nullif(trim(city), ''), 'Unknown') as city,
    coalesce(nullif(trim(zipcode), ''), '0000') as zipcode,
    impressions,
    clicks,
    try_cast(spend as decimal(18, 6)) as spend,
    spend is null as is_spend_missing,
    conversions
from read_json(
    getvariable('delivery_file'),
    format = 'newline_delimited',
    columns = {
        campaign_id: 'varchar',
        ad_id: 'varchar',
        date: 'date',
        brand: 'varchar',
        country: 'varchar',
        state: 'varchar',
        city: 'varchar',
        zipcode: 'varchar',
        impressions: 'bigint',
        clicks: 'bigint',
        spend: 'varchar',
        conversions: 'decimal(18, 6)',
        account: 'varchar'
    }
);

-- Only this first step needs the order of the file, for the positions.
set preserve_insertion_order = false;

create temp view kept as

select *, rowid + 1 as _position
from received
where
    date >= date '2000-01-01'
    and date <= cast(getvariable('received_at') as date) + 1
    and conversions >= 0
    and conversions <= clicks
    and clicks <= impressions
    and (spend is not null or is_spend_missing);

create temp table missing as

select * from kept where spend is null;

create temp table medians as

with

lacking as (select distinct ad_id, brand, country from missing),

observed as (select ad_id, brand, country, spend from kept where spend is not null),

by_ad_country as (
    select ad_id, country, cast((middle_two[1] + middle_two[2]) * 0.5 as decimal(18, 6)) as spend
    from (
        select ad_id, country, quantile_disc(spend, [0.5, 0.500000001]) as middle_two
        from observed semi join lacking using (ad_id, country)
        group by ad_id, country
    )
),

lacking_ad_country as (select * from lacking anti join by_ad_country using (ad_id, country)),

by_ad as (
    select ad_id, cast((middle_two[1] + middle_two[2]) * 0.5 as decimal(18, 6)) as spend
    from (
        select ad_id, quantile_disc(spend, [0.5, 0.500000001]) as middle_two
        from observed semi join lacking_ad_country using (ad_id)
        group by ad_id
    )
),

lacking_ad as (select * from lacking_ad_country anti join by_ad using (ad_id)),

by_brand_country as (
    select brand, country, cast((middle_two[1] + middle_two[2]) * 0.5 as decimal(18, 6)) as spend
    from (
        select brand, country, quantile_disc(spend, [0.5, 0.500000001]) as middle_two
        from observed semi join lacking_ad using (brand, country)
        group by brand, country
    )
),

lacking_brand_country as (select * from lacking_ad anti join by_brand_country using (brand, country)),

by_brand as (
    select brand, cast((middle_two[1] + middle_two[2]) * 0.5 as decimal(18, 6)) as spend
    from (
        select brand, quantile_disc(spend, [0.5, 0.500000001]) as middle_two
        from observed semi join lacking_brand_country using (brand)
        group by brand
    )
)

select
    lacking.ad_id,
    lacking.brand,
    lacking.country,
    coalesce(by_ad_country.spend, by_ad.spend, by_brand_country.spend, by_brand.spend) as spend,
    case
        when by_ad_country.spend is not null then 'ad_country'
        when by_ad.spend is not null then 'ad'
        when by_brand_country.spend is not null then 'brand_country'
        else 'brand'
    end as spend_source
from lacking
left join by_ad_country using (ad_id, country)
left join by_ad on lacking.ad_id = by_ad.ad_id
left join by_brand_country on lacking.brand = by_brand_country.brand and lacking.country = by_brand_country.country
left join by_brand on lacking.brand = by_brand.brand
where coalesce(by_ad_country.spend, by_ad.spend, by_brand_country.spend, by_brand.spend) is not null;

create table processed_campaign_data as

select
    'campaign_files' as source,
    account,
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
    spend_source,
    clicks / nullif(impressions, 0) as ctr,
    cast(spend as double) / nullif(clicks, 0) as cpc,
    cast(spend as double) / nullif(impressions, 0) * 1000 as cpm,
    cast(conversions as double) / nullif(clicks, 0) as conversion_rate,
    getvariable('delivery_file') as _source,
    _position,
    getvariable('received_at') as _received_at
from (
    select * exclude (is_spend_missing), 'observed' as spend_source
    from kept
    where spend is not null
    union all by name
    select missing.* exclude (is_spend_missing) replace (medians.spend as spend), medians.spend_source
    from missing inner join medians using (ad_id, brand, country)
);

create table campaign_performance as

select
    *,
    case when impressions = 0 then 0 else clicks / impressions end as ctr,
    case when clicks = 0 then 0 else cast(spend as double) / clicks end as cpc,
    case when impressions = 0 then 0 else cast(spend as double) / impressions * 1000 end as cpm,
    case when clicks = 0 then 0 else cast(conversions as double) / clicks end as conversion_rate
from (
    select
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        sum(conversions) as conversions,
        sum(spend) as spend
    from processed_campaign_data
    group by all
);

create table creative_performance as

select
    *,
    case when impressions = 0 then 0 else clicks / impressions end as ctr,
    case when clicks = 0 then 0 else cast(spend as double) / clicks end as cpc,
    case when impressions = 0 then 0 else cast(spend as double) / impressions * 1000 end as cpm,
    case when clicks = 0 then 0 else cast(conversions as double) / clicks end as conversion_rate
from (
    select
        ad_id,
        campaign_id,
        brand,
        country,
        state,
        city,
        zipcode,
        date,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        sum(conversions) as conversions,
        sum(spend) as spend
    from processed_campaign_data
    group by all
);

create table source_performance as

select
    *,
    'USD' as currency,
    clicks / nullif(impressions, 0) as ctr,
    cast(spend as double) / nullif(clicks, 0) as cpc,
    cast(spend as double) / nullif(impressions, 0) * 1000 as cpm,
    cast(conversions as double) / nullif(clicks, 0) as conversion_rate
from (
    select
        source,
        account,
        campaign_id,
        ad_id,
        brand,
        country,
        date,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        sum(conversions) as conversions,
        sum(spend) as spend
    from processed_campaign_data
    group by all
);

create table campaign_summary as

select
    *,
    case when total_impressions = 0 then 0 else total_clicks / total_impressions end as ctr,
    case when total_clicks = 0 then 0 else cast(total_spend as double) / total_clicks end as cpc,
    case when total_impressions = 0 then 0 else cast(total_spend as double) / total_impressions * 1000 end as cpm,
    case when total_clicks = 0 then 0 else cast(total_conversions as double) / total_clicks end as conversion_rate
from (
    select
        campaign_id,
        cast(sum(impressions) as bigint) as total_impressions,
        cast(sum(clicks) as bigint) as total_clicks,
        sum(spend) as total_spend,
        sum(conversions) as total_conversions
    from campaign_performance
    group by campaign_id
);

checkpoint;
