{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed_clicks() }}",
) }}

with

clicks as (

    select * from {{ ref('int_clicks') }}

    where {{ is_on_changed_click_day('event_date') }}

),

impressions as (

    select * from {{ ref('int_impressions') }}

    where {{ is_near_changed_click_day('event_date') }}

),

-- What a click names: the impression of that id, on the click's day and its neighbours, in the window or not.
named as (

    select
        clicks.click_id,
        impressions.impression_id,
        impressions.event_date as impression_date,
        impressions.event_us as impression_us,
        impressions.campaign_id as impression_campaign_id,
        impressions.ad_id as impression_ad_id,
        {{ elapsed('impressions.event_us', 'clicks.event_us') }} as elapsed_us,
        'id' as joined_by

    from clicks

    inner join impressions
        on
            clicks.impression_id = impressions.impression_id
            and impressions.event_date >= clicks.event_date - interval '1' day
            and impressions.event_date <= clicks.event_date + interval '1' day

),

clicks_of_users as (

    select * from clicks

    where impression_id is null and user_id is not null

),

-- A click that names no impression belongs to one of its user that showed the same ad, or where the click names no ad,
-- the same campaign.
guessed as (

    select
        clicks_of_users.click_id,
        impressions.impression_id,
        impressions.event_date as impression_date,
        impressions.event_us as impression_us,
        impressions.campaign_id as impression_campaign_id,
        impressions.ad_id as impression_ad_id,
        {{ elapsed('impressions.event_us', 'clicks_of_users.event_us') }} as elapsed_us,
        'user' as joined_by

    from clicks_of_users

    inner join impressions
        on
            clicks_of_users.user_id = impressions.user_id
            and impressions.event_date >= clicks_of_users.event_date - interval '1' day
            and clicks_of_users.event_date >= impressions.event_date

    where
        clicks_of_users.ad_id = impressions.ad_id
        or (clicks_of_users.ad_id is null and clicks_of_users.campaign_id = impressions.campaign_id)

),

candidates as (

    select * from named

    union all

    select * from guessed

),

in_window as (

    select
        *,
        row_number() over (
            partition by click_id
            order by impression_us desc, impression_id asc
        ) as place

    from candidates

    where elapsed_us between 0 and {{ var('click_window_minutes') * 60000000 }}

),

found as (

    select
        click_id,
        max(elapsed_us) as longest_us

    from named

    group by click_id

),

matched as (

    select
        clicks.*,
        in_window.impression_id as matched_impression_id,
        in_window.impression_date as matched_impression_date,
        in_window.impression_campaign_id,
        in_window.impression_ad_id,
        in_window.joined_by,
        in_window.elapsed_us,
        case
            when in_window.click_id is not null then null
            when found.longest_us < 0 then 'before_impression'
            when found.longest_us >= 0 then 'outside_window'
            else 'no_impression'
        end as orphan_reason

    from clicks

    left join in_window
        on clicks.click_id = in_window.click_id and in_window.place = 1

    left join found
        on clicks.click_id = found.click_id

)

select
    source,
    click_id,
    impression_id,
    matched_impression_id,
    matched_impression_date,
    joined_by,
    elapsed_us,
    orphan_reason,
    coalesce(ad_id, impression_ad_id) as ad_id,
    coalesce(campaign_id, impression_campaign_id) as campaign_id,
    publisher_id,
    user_id,
    event_us,
    event_date,
    device_type,
    geo_location,
    platform,
    click_price,
    _received_at,
    _source,
    _position

from matched
