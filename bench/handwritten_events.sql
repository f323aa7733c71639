-- The peer of the event marts: what a good engineer writes by hand, from the rules, for DuckDB alone and for events that were
-- extracted. The variables `impressions`, `clicks` and `conversions` are the Parquet files, `as_of` is the report day, in UTC.
-- There are no bids in these logs, one currency, and no file that replaces another.
set preserve_insertion_order = false;

create temp macro said(fields) as array_to_string(list_transform(fields, lambda field: coalesce(field, '')), chr(31));
create temp macro between_us(earlier, later) as
    case
        when earlier % 1000000 = 0 or later % 1000000 = 0 then later // 1000000 * 1000000 - earlier // 1000000 * 1000000
        else later - earlier
    end;
create temp macro rate(numerator, denominator) as cast(numerator as double) / cast(nullif(denominator, 0) as double);

-- One row an event. Only ids that come again are compared by what they say.
create temp table shown as

with

read as (
    select
        coalesce(
            impression_id,
            'h_' || left(sha256(said([
                impression_id, ad_id, campaign_id, publisher_id, user_id, cast(event_time as varchar), device_type, geo_location,
                platform, ad_type, cast(bid_price as varchar), site_domain, auction_id, imp_id
            ])), 32)
        ) as impression_id,
        impression_id is not null as has_own_id,
        * exclude (impression_id),
        cast(make_timestamp(event_time) as date) as day
    from read_parquet(getvariable('impressions'))
    where
        event_time >= 946684800000000 and ad_id is not null and (bid_price is null or bid_price >= 0)
        and make_timestamp(event_time) <= _received_at + interval 15 minute
),

again as (select day, impression_id from read group by all having count(*) > 1),

chosen as (
    select read.*
    from read inner join again using (day, impression_id)
    qualify row_number() over (
        partition by day, impression_id
        order by
            event_time,
            sha256(said([
                case when has_own_id then impression_id end, ad_id, campaign_id, publisher_id, user_id, cast(event_time as varchar),
                device_type, geo_location, platform, ad_type, cast(bid_price as varchar), site_domain, auction_id, imp_id
            ])),
            _source, _position
    ) = 1
)

select * from read anti join again using (day, impression_id)
union all by name
select * from chosen;

create temp table clicked as

select
    coalesce(
        click_id,
        'h_' || left(sha256(said([
            click_id, impression_id, ad_id, campaign_id, publisher_id, user_id, cast(event_time as varchar), device_type,
            geo_location, platform, cast(click_price as varchar)
        ])), 32)
    ) as click_id,
    * exclude (click_id),
    cast(make_timestamp(event_time) as date) as day
from read_parquet(getvariable('clicks'))
where
    event_time >= 946684800000000 and (click_price is null or click_price >= 0)
    and make_timestamp(event_time) <= _received_at + interval 15 minute
qualify row_number() over (
    partition by click_id
    order by
        event_time,
        sha256(said([
            click_id, impression_id, ad_id, campaign_id, publisher_id, user_id, cast(event_time as varchar), device_type,
            geo_location, platform, cast(click_price as varchar)
        ])),
        _source, _position
) = 1;

create temp table converted as

select
    * exclude (conversion_type, conversion_count),
    coalesce(conversion_type, '') as conversion_type,
    coalesce(conversion_count, 1) as conversion_count,
    cast(make_timestamp(event_time) as date) as day
from read_parquet(getvariable('conversions'))
where event_time >= 946684800000000 and make_timestamp(event_time) <= _received_at + interval 15 minute
qualify row_number() over (
    partition by conversion_type, conversion_id
    order by
        event_time,
        sha256(said([
            conversion_id, user_id, campaign_id, cast(event_time as varchar), conversion_type, cast(conversion_value as varchar),
            currency, cast(conversion_count as varchar), click_id, impression_id
        ])),
        _source, _position
) = 1;

create temp table flooded as

select user_id, event_time // 3600000000 as hour
from shown
where user_id is not null
group by all
having count(*) > 500;

create temp table net_shown as

select shown.*
from shown left join flooded on shown.user_id = flooded.user_id and shown.event_time // 3600000000 = flooded.hour
where flooded.user_id is null;

-- The impression of each click, or why there is none.
create temp table matched as

with

named as (
    select
        clicked.click_id, shown.impression_id, shown.day, shown.event_time, shown.ad_id, shown.campaign_id, 'id' as joined_by,
        between_us(shown.event_time, clicked.event_time) as elapsed
    from clicked
    inner join shown
        on clicked.impression_id = shown.impression_id and shown.day between clicked.day - 1 and clicked.day + 1
),

guessed as (
    select
        clicked.click_id, shown.impression_id, shown.day, shown.event_time, shown.ad_id, shown.campaign_id, 'user' as joined_by,
        between_us(shown.event_time, clicked.event_time) as elapsed
    from clicked
    inner join shown on clicked.user_id = shown.user_id and shown.day between clicked.day - 1 and clicked.day
    where
        clicked.impression_id is null
        and (clicked.ad_id = shown.ad_id or (clicked.ad_id is null and clicked.campaign_id = shown.campaign_id))
),

latest as (
    select *
    from (from named union all from guessed)
    where elapsed between 0 and 3600000000
    qualify row_number() over (partition by click_id order by event_time desc, impression_id) = 1
),

found as (select click_id, max(elapsed) as longest from named group by all),

joined as (
    select
        clicked.* exclude (ad_id, campaign_id),
        coalesce(clicked.ad_id, latest.ad_id) as ad_id,
        coalesce(clicked.campaign_id, latest.campaign_id) as campaign_id,
        latest.impression_id as shown_id,
        latest.day as shown_day,
        latest.elapsed,
        case
            when latest.click_id is not null then null
            when longest < 0 then 'before_impression'
            when longest >= 0 then 'outside_window'
            else 'no_impression'
        end as orphan_reason
    from clicked
    left join latest using (click_id)
    left join found using (click_id)
)

select
    *,
    case
        when shown_id is not null
            and row_number() over (partition by shown_day, shown_id order by event_time, click_id) > 1 then 'repeat_click'
        when elapsed < 1000000 then 'fast_click'
        when user_id is not null and count(*) over (partition by user_id, day) > 50 then 'click_flood'
    end as invalid_reason
from joined;

create table orphan_clicks as

select
    click_id, impression_id, make_timestamp(event_time) as event_time, day as report_date, orphan_reason, invalid_reason, ad_id,
    campaign_id, user_id, click_price
from matched
where orphan_reason is not null;

create temp table touched as

with

net_clicked as (select * from matched where invalid_reason is null),

clicks_of_users as (
    select conversion_type, conversion_id, clicks.click_id
    from converted inner join net_clicked as clicks on converted.user_id = clicks.user_id
    where
        clicks.day between converted.day - 30 and converted.day
        and (converted.campaign_id is null or converted.campaign_id = clicks.campaign_id)
        and between_us(clicks.event_time, converted.event_time) between 0 and 2592000000000
    union
    select conversion_type, conversion_id, clicks.click_id
    from converted inner join net_clicked as clicks on converted.click_id = clicks.click_id
    where between_us(clicks.event_time, converted.event_time) between 0 and 2592000000000
),

views as (
    select conversion_type, conversion_id, net_shown.day, net_shown.impression_id
    from converted inner join net_shown on converted.user_id = net_shown.user_id
    where
        net_shown.day between converted.day - 1 and converted.day
        and (converted.campaign_id is null or converted.campaign_id = net_shown.campaign_id)
        and between_us(net_shown.event_time, converted.event_time) between 0 and 86400000000
    union
    select conversion_type, conversion_id, day, impression_id
    from (
        select converted.conversion_type, converted.conversion_id, net_shown.day, net_shown.impression_id
        from converted inner join net_shown on converted.impression_id = net_shown.impression_id
        where
            net_shown.day between converted.day - 1 and converted.day
            and between_us(net_shown.event_time, converted.event_time) between 0 and 86400000000
        qualify row_number() over (
            partition by converted.conversion_type, converted.conversion_id order by net_shown.event_time desc
        ) = 1
    )
),

clicks as (
    select
        conversion_type, conversion_id, true as is_click, net_clicked.click_id as touch_id, event_time, campaign_id, ad_id,
        shown_id as impression_id, shown_day as impression_date
    from clicks_of_users inner join net_clicked using (click_id)
),

both_kinds as (
    from clicks
    union all
    select
        conversion_type, conversion_id, false, impression_id, event_time, campaign_id, ad_id, impression_id, day
    from (views inner join net_shown using (day, impression_id)) as seen
    anti join clicks
        on
            seen.conversion_type = clicks.conversion_type and seen.conversion_id = clicks.conversion_id
            and seen.day = clicks.impression_date and seen.impression_id = clicks.impression_id
)

select
    both_kinds.*,
    between_us(both_kinds.event_time, converted.event_time) // 86400000000 as age_days,
    row_number() over of_conversion as touch_number,
    count(*) over (partition by conversion_type, conversion_id) as touch_count,
    row_number() over (
        partition by conversion_type, conversion_id
        order by is_click desc, both_kinds.event_time desc, touch_id desc, impression_date desc
    ) = 1 as is_last_click_else_view
from both_kinds inner join converted using (conversion_type, conversion_id)
window of_conversion as (
    partition by conversion_type, conversion_id order by both_kinds.event_time, is_click, touch_id, impression_date
);

-- Credit in whole units of 10^-12; the last touch takes what the divisions leave.
create table attributed_conversions as

with

weighed as (
    select
        *,
        cast(greatest(floor(1000000 * pow(2, -age_days / 7) + 0.5), 1) as bigint) as weight
    from touched
),

divided as (
    select
        *,
        1000000000000 // touch_count as linear_units,
        cast(weight * 1000000000000 // sum(weight) over of_conversion as bigint) as decay_units,
        case
            when touch_count = 1 then 1000000000000
            when touch_count = 2 then 500000000000
            when touch_number in (1, touch_count) then 400000000000
            else 200000000000 // (touch_count - 2)
        end as position_units
    from weighed
    window of_conversion as (partition by conversion_type, conversion_id)
),

credited as (
    select
        *,
        case when is_last_click_else_view then 1000000000000 else 0 end as c1,
        case when touch_number = 1 then 1000000000000 else 0 end as c2,
        case when touch_number = touch_count then 1000000000000 else 0 end as c3,
        linear_units
        + case when touch_number = touch_count then 1000000000000 - sum(linear_units) over of_conversion else 0 end as c4,
        decay_units
        + case when touch_number = touch_count then 1000000000000 - sum(decay_units) over of_conversion else 0 end as c5,
        position_units
        + case when touch_number = touch_count then 1000000000000 - sum(position_units) over of_conversion else 0 end as c6
    from divided
    window of_conversion as (partition by conversion_type, conversion_id)
)

select
    converted.conversion_type,
    converted.conversion_id,
    converted.day as conversion_date,
    converted.conversion_value,
    converted.conversion_count,
    case when touch_id is null then 'unattributed' when is_click then 'click' else 'impression' end as touch_type,
    touch_id,
    coalesce(cast(make_timestamp(credited.event_time) as date), converted.day) as touch_date,
    credited.impression_id,
    credited.impression_date,
    case
        when touch_id is null then coalesce(converted.campaign_id, 'unattributed')
        else coalesce(credited.campaign_id, 'unknown_campaign')
    end as campaign_id,
    coalesce(touch_number, 0) as touch_number,
    cast(coalesce(c1, 1000000000000) * 0.000000000001 as decimal(18, 12)) as last_click_else_view,
    cast(coalesce(c2, 1000000000000) * 0.000000000001 as decimal(18, 12)) as first_touch,
    cast(coalesce(c3, 1000000000000) * 0.000000000001 as decimal(18, 12)) as last_touch,
    cast(coalesce(c4, 1000000000000) * 0.000000000001 as decimal(18, 12)) as linear,
    cast(coalesce(c5, 1000000000000) * 0.000000000001 as decimal(18, 12)) as time_decay,
    cast(coalesce(c6, 1000000000000) * 0.000000000001 as decimal(18, 12)) as position
from converted left join credited using (conversion_type, conversion_id);

create table campaign_attribution as

with

long as (
    unpivot attributed_conversions
    on last_click_else_view, first_touch, last_touch, linear, time_decay, position
    into name model value credit
),

dated as (
    select *, touch_date as date, 'touch' as date_base from long where credit > 0
    union all
    select *, conversion_date as date, 'conversion' as date_base from long where credit > 0
)

select
    campaign_id,
    date,
    conversion_type,
    model,
    date_base,
    cast(coalesce(sum(credit * conversion_count) filter (touch_type = 'click'), 0) as decimal(38, 12)) as conversions,
    cast(coalesce(sum(credit * conversion_count) filter (touch_type = 'impression'), 0) as decimal(38, 12))
        as view_through_conversions,
    cast(coalesce(sum(credit * conversion_value) filter (touch_type = 'click'), 0) as decimal(38, 6)) as conversion_value
from dated
group by all;

create table ad_events as

with

clicks as (
    select
        shown_day as day,
        shown_id as impression_id,
        count(*) as clicks,
        count(*) filter (invalid_reason is null) as net_clicks,
        min(event_time) as first_click,
        min(elapsed) filter (invalid_reason is null) as engagement,
        max(click_price) filter (invalid_reason is null) as click_revenue,
        max(_received_at) as received_at
    from matched
    where shown_id is not null
    group by all
),

credited as (
    select distinct impression_date as day, impression_id
    from attributed_conversions
    where last_click_else_view > 0 and impression_id is not null
)

select
    shown.day as event_date,
    shown.impression_id,
    shown.has_own_id,
    make_timestamp(shown.event_time) as event_time,
    shown.day as report_date,
    shown.ad_id,
    shown.campaign_id,
    shown.publisher_id,
    shown.user_id,
    shown.device_type,
    shown.geo_location,
    shown.platform,
    shown.ad_type,
    shown.site_domain,
    shown.bid_price,
    coalesce(shown.bid_price >= 2, false) as is_premium_ad,
    cast(shown.bid_price * 0.001 as decimal(18, 9)) as media_cost,
    make_timestamp(clicks.first_click) as clicked_at,
    coalesce(clicks.clicks, 0) as clicks,
    coalesce(clicks.net_clicks, 0) as net_clicks,
    clicks.engagement // 1000000 as engagement_duration,
    clicks.click_revenue,
    case when credited.day is not null then 2 when clicks.net_clicks > 0 then 1 else 0 end as interaction_depth,
    case when flooded.user_id is not null then 'impression_flood' end as invalid_reason,
    greatest(shown._received_at, clicks.received_at) as processed_time
from shown
left join clicks on shown.day = clicks.day and shown.impression_id = clicks.impression_id
left join credited on shown.day = credited.day and shown.impression_id = credited.impression_id
left join flooded on shown.user_id = flooded.user_id and shown.event_time // 3600000000 = flooded.hour;

create table hourly_performance as

select
    date_trunc('hour', event_time) as hour_at,
    report_date,
    coalesce(campaign_id, 'unknown_campaign') as campaign_id,
    ad_id,
    coalesce(publisher_id, 'Unknown') as publisher_id,
    coalesce(platform, 'Unknown') as platform,
    coalesce(device_type, 'Unknown') as device_type,
    coalesce(geo_location, 'Unknown') as geo_location,
    count(*) as impressions,
    count(*) filter (invalid_reason is null) as net_impressions,
    cast(sum(clicks) as bigint) as clicks,
    cast(sum(net_clicks) as bigint) as net_clicks,
    cast(coalesce(sum(media_cost), 0) as decimal(38, 9)) as media_cost,
    cast(coalesce(sum(click_revenue), 0) as decimal(38, 6)) as click_revenue,
    rate(sum(net_clicks), count(*) filter (invalid_reason is null)) as ctr,
    rate(coalesce(sum(media_cost), 0), count(*)) * 1000 as cpm
from ad_events
group by all;

create table site_performance as

select
    report_date,
    coalesce(publisher_id, 'Unknown') as publisher_id,
    coalesce(site_domain, 'Unknown') as site_domain,
    coalesce(campaign_id, 'unknown_campaign') as campaign_id,
    count(*) as impressions,
    count(*) filter (invalid_reason is null) as net_impressions,
    cast(sum(clicks) as bigint) as clicks,
    cast(sum(net_clicks) as bigint) as net_clicks,
    cast(coalesce(sum(media_cost), 0) as decimal(38, 9)) as media_cost,
    rate(sum(net_clicks), count(*) filter (invalid_reason is null)) as ctr,
    rate(coalesce(sum(media_cost), 0), count(*)) * 1000 as cpm
from ad_events
group by all;

create table reach_frequency as

with

dated as (
    select coalesce(campaign_id, 'unknown_campaign') as campaign_id, user_id, report_date from ad_events
),

periods as (
    select campaign_id, 'day' as period, report_date as period_start, user_id from dated
    union all
    select campaign_id, 'week', cast(date_trunc('week', report_date) as date), user_id from dated
)

select
    campaign_id,
    period,
    period_start,
    count(user_id) as impressions,
    count(*) - count(user_id) as impressions_without_user,
    count(distinct user_id) as reach,
    rate(count(user_id), count(distinct user_id)) as frequency
from periods
group by all;

create table campaign_funnel as

with

shown_sums as (
    select
        campaign_id, report_date as date, sum(impressions) as impressions, sum(net_impressions) as net_impressions,
        sum(clicks) as clicks, sum(net_clicks) as net_clicks, sum(media_cost) as media_cost
    from hourly_performance
    group by all
),

orphans as (
    select
        coalesce(campaign_id, 'unknown_campaign') as campaign_id, report_date as date, count(*) as clicks,
        count(*) filter (invalid_reason is null) as net_clicks
    from orphan_clicks
    group by all
),

conversions as (
    select
        campaign_id, date, sum(conversions) as conversions, sum(view_through_conversions) as view_through_conversions
    from campaign_attribution
    where model = 'last_click_else_view' and date_base = 'touch'
    group by all
    having sum(conversions) > 0 or sum(view_through_conversions) > 0
)

select
    campaign_id,
    date,
    cast(coalesce(shown_sums.impressions, 0) as bigint) as impressions,
    cast(coalesce(shown_sums.net_impressions, 0) as bigint) as net_impressions,
    cast(coalesce(shown_sums.clicks, 0) + coalesce(orphans.clicks, 0) as bigint) as clicks,
    cast(coalesce(shown_sums.net_clicks, 0) + coalesce(orphans.net_clicks, 0) as bigint) as net_clicks,
    cast(coalesce(conversions.conversions, 0) as decimal(38, 12)) as conversions,
    cast(coalesce(conversions.view_through_conversions, 0) as decimal(38, 12)) as view_through_conversions,
    cast(coalesce(shown_sums.media_cost, 0) as decimal(38, 9)) as media_cost
from shown_sums
full join orphans using (campaign_id, date)
full join conversions using (campaign_id, date);

create table conversion_lag as

select
    campaign_id,
    attributed_conversions.conversion_type,
    touch_type,
    age_days as lag_days,
    cast(sum(conversion_count) as decimal(38, 6)) as conversions,
    cast(coalesce(sum(conversion_value), 0) as decimal(38, 6)) as conversion_value
from attributed_conversions
inner join (select conversion_type, conversion_id, touch_number, age_days from touched) as ages
    using (conversion_type, conversion_id, touch_number)
where last_click_else_view > 0
group by all;

create table audience_segments as

with

acts as (
    select user_id, report_date, 1 as impressions, net_clicks, 0 as conversions from ad_events
    union all
    select user_id, report_date, 0, cast(invalid_reason is null as integer), 0 from orphan_clicks
    union all
    select user_id, day, 0, 0, 1 from converted
),

summed as (
    select
        user_id,
        coalesce(sum(impressions) filter (report_date >= getvariable('as_of') - 30), 0) as impressions,
        coalesce(sum(net_clicks) filter (report_date >= getvariable('as_of') - 30), 0) as net_clicks,
        coalesce(sum(conversions) filter (report_date >= getvariable('as_of') - 30), 0) as conversions
    from acts
    where user_id is not null and report_date < getvariable('as_of')
    group by all
)

select
    user_id,
    cast(impressions as bigint) as impressions,
    cast(net_clicks as bigint) as net_clicks,
    cast(conversions as bigint) as conversions,
    case
        when conversions > 0 then 'converted'
        when net_clicks > 0 then 'engaged'
        when impressions >= 20 then 'saturated'
        when impressions > 0 then 'reached'
        else 'lapsed'
    end as segment
from summed;
