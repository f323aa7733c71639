{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(event_date)'],
    pre_hook="{{ delete_changed('event_date', kind='ad_events', condition=is_changed_ad_event()) }}",
) }}

with

impressions as (

    select * from {{ ref('int_impressions_placed') }}

    where {{ is_changed('event_date', kind='ad_events') }} and {{ is_changed_ad_event() }}

),

followed as (

    select * from {{ ref('int_impressions_followed') }}

),

won as (

    select * from {{ ref('int_bids_won') }}

),

categories as (

    select * from {{ ref('platform_categories') }}

),

joined as (

    select
        impressions.*,
        followed.first_click_us,
        coalesce(followed.clicks, 0) as clicks,
        coalesce(followed.net_clicks, 0) as net_clicks,
        followed.engagement_us,
        followed.click_revenue,
        followed._received_at as click_received_at,
        coalesce(followed.is_credited, false) as is_credited,
        coalesce(won.clearing_price, impressions.bid_price) as paid_price,
        won._received_at as bid_received_at,
        coalesce(categories.category, 'other') as platform_category

    from impressions

    left join followed
        on
            impressions.event_date = followed.impression_date
            and impressions.impression_id = followed.impression_id

    left join won
        on
            impressions.auction_id = won.auction_id
            and impressions.imp_id = won.imp_id

    left join categories
        on lower(impressions.platform) = categories.platform

)

select
    event_date,
    impression_id,
    has_own_id,
    {{ utc_time('event_us') }} as event_time,
    {{ report_date('event_us') }} as report_date,
    part_of_day,
    day_of_week,
    is_weekend,
    season,
    ad_id,
    campaign_id,
    publisher_id,
    user_id,
    device_type,
    place as geo_location,
    country,
    state,
    platform,
    platform_category,
    ad_type,
    site_domain,
    auction_id,
    imp_id,
    bid_price,
    coalesce(bid_price >= {{ var('premium_bid_price') }}, false) as is_premium_ad,
    -- A price is that of a thousand impressions.
    cast(paid_price * cast(0.001 as decimal(3, 3)) as decimal(18, 9)) as media_cost,
    {{ utc_time('first_click_us') }} as clicked_at,
    clicks,
    net_clicks,
    cast({{ whole_units('engagement_us', 1000000) }} as bigint) as engagement_duration,
    click_revenue,
    case
        when is_credited then 2
        when net_clicks > 0 then 1
        else 0
    end as interaction_depth,
    invalid_reason,
    case
        when
            coalesce(click_received_at, _received_at) > _received_at
            and click_received_at > coalesce(bid_received_at, _received_at) then click_received_at
        when coalesce(bid_received_at, _received_at) > _received_at then bid_received_at
        else _received_at
    end as processed_time,
    source,
    _source,
    _position

from joined
