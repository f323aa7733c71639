-- Fills the marts that pages of the dashboard read: $deliveries delivery records of a year, and $impressions impressions
-- of its last 120 days. 500 campaigns with four ads each, 40 brands, 60 countries, 8,000 cities, 12,000 ZIP codes. Marts
-- of delivery are in the order of their days, as adhouse writes them. Rates stay null, because pages divide sums themselves.

-- A number from 0 to before `below`, the same each time.
create temp macro drawn(number, salt, below) as cast(hash(number, salt) % below as bigint);

create temp table zips as
with

named as (

    select
        (select list(distinct country order by country)[:60] from marts.places) as countries,
        (select list(state order by state) from marts.places where country = 'US' and state <> '') as states

),

cities as (

    select
        city_number,
        case when city_number % 3 = 0 then 'US' else countries[1 + drawn(city_number, 1, 60)] end as country,
        states[1 + drawn(city_number, 2, len(states))] as state_of_usa

    from range(8000) as numbers (city_number)

    cross join named

)

select
    zip_number,
    country,
    case
        when country = 'US' then state_of_usa
        else country || ' region ' || drawn(city_number, 3, 8)
    end as state,
    'City ' || city_number as city,
    lpad(cast(10000 + zip_number as varchar), 5, '0') as zipcode

from range(12000) as numbers (zip_number)

inner join cities
    on cities.city_number = zip_number * 2 // 3;

create temp table deliveries as
with

numbered as (

    select
        number,
        number * 365 // $deliveries as day_number,
        number % 2000 as ad_number

    from range($deliveries) as numbers (number)

),

shown as (

    select
        *,
        -- Each campaign runs in 25 places, and each of its ads in about seven of them on a day.
        drawn(ad_number // 4, drawn(number, 1, 25), 12000) as zip_number,
        cast(100 + 20000 * pow(drawn(number, 2, 1000000) / 1000000, 3) as bigint) as impressions

    from numbered

),

clicked as (

    select
        *,
        impressions * (5000 + drawn(number, 3, 30000)) // 1000000 as clicks,
        cast(impressions * (800 + drawn(number, 4, 7200)) as decimal(18, 6)) / 1000000 as spend

    from shown

)

select
    date '2025-11-06' + cast(day_number as integer) as date,
    ad_number,
    zip_number,
    impressions,
    clicks,
    cast(clicks * drawn(number, 5, 10) as decimal(18, 6)) / 100 as conversions,
    cast(spend as decimal(18, 6)) as spend

from clicked;

create temp table ads as
select
    ad_number,
    ad_number // 4 as campaign_number,
    'ad' || lpad(cast(ad_number as varchar), 4, '0') as ad_id,
    'cmp' || lpad(cast(ad_number // 4 as varchar), 3, '0') as campaign_id,
    'Brand ' || lpad(cast(ad_number // 4 % 40 as varchar), 2, '0') as brand,
    case when ad_number // 4 % 2 = 0 then 'campaign_api' else 'campaign_files' end as source

from range(2000) as numbers (ad_number);

insert into marts.creative_performance by name
with

summed as (

    select
        ad_number,
        zip_number,
        date,
        sum(impressions) as impressions,
        sum(clicks) as clicks,
        sum(conversions) as conversions,
        sum(spend) as spend

    from deliveries

    group by all

)

select
    ads.ad_id,
    ads.campaign_id,
    ads.brand,
    zips.* exclude (zip_number),
    summed.* exclude (ad_number, zip_number)

from summed

inner join ads
    on summed.ad_number = ads.ad_number

inner join zips
    on summed.zip_number = zips.zip_number

order by date;

insert into marts.campaign_performance by name
with

summed as (

    select
        ad_number // 4 as campaign_number,
        zip_number,
        date,
        sum(impressions) as impressions,
        sum(clicks) as clicks,
        sum(conversions) as conversions,
        sum(spend) as spend

    from deliveries

    group by all

)

select
    ads.campaign_id,
    ads.brand,
    zips.* exclude (zip_number),
    summed.* exclude (campaign_number, zip_number)

from summed

inner join ads
    on summed.campaign_number * 4 = ads.ad_number

inner join zips
    on summed.zip_number = zips.zip_number

order by date;

insert into marts.source_performance by name
select
    ads.source,
    'a1' as account,
    creatives.campaign_id,
    creatives.ad_id,
    creatives.brand,
    creatives.country,
    creatives.date,
    'USD' as currency,
    sum(creatives.impressions) as impressions,
    sum(creatives.clicks) as clicks,
    sum(creatives.conversions) as conversions,
    sum(creatives.spend) as spend

from marts.creative_performance as creatives

inner join ads
    on creatives.ad_id = ads.ad_id

group by all

order by date;

insert into marts.daily_performance by name
select
    date,
    brand,
    country,
    sum(impressions) as impressions,
    sum(clicks) as clicks,
    sum(conversions) as conversions,
    sum(spend) as spend

from marts.source_performance

group by all

order by date;

insert into marts.campaign_summary by name
select
    campaign_id,
    sum(impressions) as total_impressions,
    sum(clicks) as total_clicks,
    sum(conversions) as total_conversions,
    sum(spend) as total_spend

from marts.source_performance

group by all;

insert into marts.dim_campaigns by name
select distinct
    campaign_id,
    'Campaign ' || campaign_id as name

from ads;

insert into marts.hourly_performance by name
select
    timestamp '2026-07-09' + to_hours(cast(number * 2880 // $impressions as integer)) as hour_at,
    cast(hour_at as date) as report_date,
    'cmp' || lpad(cast(drawn(number, 6, 500) as varchar), 3, '0') as campaign_id,
    'ad' || lpad(cast(drawn(number, 6, 500) * 4 + drawn(number, 7, 4) as varchar), 4, '0') as ad_id,
    'publisher ' || drawn(number, 8, 50) as publisher_id,
    ['web', 'ios', 'android'][1 + drawn(number, 9, 3)] as platform,
    ['desktop', 'phone', 'tablet', 'tv'][1 + drawn(number, 10, 4)] as device_type,
    'US' as geo_location,
    1 as impressions,
    1 as net_impressions,
    case when drawn(number, 11, 40) = 0 then 1 else 0 end as clicks,
    clicks as net_clicks,
    0.004 as media_cost

from range($impressions) as numbers (number);

insert into marts.campaign_funnel by name
select
    campaign_id,
    report_date as date,
    count(*) * 3 // 2 as opportunities,
    count(*) * 3 // 2 as bids,
    count(*) as wins,
    count(*) as impressions,
    count(*) as net_impressions,
    sum(clicks) as clicks,
    sum(net_clicks) as net_clicks,
    cast(sum(net_clicks) as decimal(38, 12)) / 10 as conversions,
    cast(sum(net_clicks) as decimal(38, 12)) / 20 as view_through_conversions,
    sum(media_cost) as media_cost

from marts.hourly_performance

group by all;

insert into marts.campaign_attribution by name
select
    campaign_id,
    date,
    conversion_type,
    model,
    date_base,
    conversions / 2 as conversions,
    view_through_conversions / 2 as view_through_conversions,
    0 as unattributed_conversions,
    conversions * 30 as conversion_value,
    view_through_conversions * 30 as view_through_value,
    0 as unattributed_value,
    'USD' as currency,
    date < date '2026-10-06' as is_mature

from marts.campaign_funnel

cross join (select unnest(['purchase', 'signup']) as conversion_type) as types

cross join (
    select unnest(['last_click_else_view', 'first_touch', 'last_touch', 'linear', 'time_decay', 'position']) as model
) as models

cross join (select unnest(['touch', 'conversion']) as date_base) as bases;
