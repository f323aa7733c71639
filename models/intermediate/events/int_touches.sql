{{ config(**full_rewrite()) }}

with

conversions as (

    select * from {{ ref('int_conversions') }}

),

clicks as (

    select * from {{ ref('int_clicks_flagged') }}

    where invalid_reason is null

),

impressions as (

    select * from {{ ref('int_impressions_before_conversions') }}

    where invalid_reason is null

),

clicks_of_the_user as (

    select
        conversions.conversion_type,
        conversions.conversion_id,
        clicks.click_id,
        {{ elapsed('clicks.event_us', 'conversions.event_us') }} as elapsed_us

    from conversions

    inner join clicks
        on
            conversions.user_id = clicks.user_id
            and conversions.event_date >= clicks.event_date
            and clicks.event_date >= conversions.event_date - interval '{{ var("click_lookback_days") }}' day

    where conversions.campaign_id is null or conversions.campaign_id = clicks.campaign_id

),

-- A click that the conversion names, whoever its user and whatever its campaign is.
clicks_named as (

    select
        conversions.conversion_type,
        conversions.conversion_id,
        clicks.click_id,
        {{ elapsed('clicks.event_us', 'conversions.event_us') }} as elapsed_us

    from conversions

    inner join clicks
        on conversions.click_id = clicks.click_id

),

touching_clicks as (

    select * from clicks_of_the_user

    where elapsed_us between 0 and {{ var('click_lookback_days') * 86400000000 }}

    union distinct

    select * from clicks_named

    where elapsed_us between 0 and {{ var('click_lookback_days') * 86400000000 }}

),

impressions_of_the_user as (

    select
        conversions.conversion_type,
        conversions.conversion_id,
        impressions.event_date as impression_date,
        impressions.impression_id,
        impressions.event_us as impression_us,
        impressions.campaign_id,
        impressions.ad_id,
        {{ elapsed('impressions.event_us', 'conversions.event_us') }} as elapsed_us

    from conversions

    inner join impressions
        on
            conversions.user_id = impressions.user_id
            and conversions.event_date >= impressions.event_date
            and impressions.event_date >= conversions.event_date - interval '{{ var("view_lookback_days") }}' day

    where conversions.campaign_id is null or conversions.campaign_id = impressions.campaign_id

),

-- Of the impressions with the id that the conversion names, the latest in the look-back.
impressions_named as (

    select
        conversions.conversion_type,
        conversions.conversion_id,
        impressions.event_date as impression_date,
        impressions.impression_id,
        impressions.event_us as impression_us,
        impressions.campaign_id,
        impressions.ad_id,
        {{ elapsed('impressions.event_us', 'conversions.event_us') }} as elapsed_us

    from conversions

    inner join impressions
        on
            conversions.impression_id = impressions.impression_id
            and conversions.event_date >= impressions.event_date
            and impressions.event_date >= conversions.event_date - interval '{{ var("view_lookback_days") }}' day

),

impressions_named_last as (

    select
        *,
        row_number() over (
            partition by conversion_type, conversion_id
            order by impression_us desc
        ) as place

    from impressions_named

    where elapsed_us between 0 and {{ var('view_lookback_days') * 86400000000 }}

),

touching_impressions as (

    select * from impressions_of_the_user

    where elapsed_us between 0 and {{ var('view_lookback_days') * 86400000000 }}

    union distinct

    select
        conversion_type,
        conversion_id,
        impression_date,
        impression_id,
        impression_us,
        campaign_id,
        ad_id,
        elapsed_us

    from impressions_named_last

    where place = 1

),

click_touches as (

    select
        touching_clicks.conversion_type,
        touching_clicks.conversion_id,
        'click' as touch_type,
        clicks.click_id as touch_id,
        clicks.event_us as touch_us,
        clicks.campaign_id,
        clicks.ad_id,
        clicks.matched_impression_id as impression_id,
        clicks.matched_impression_date as impression_date,
        touching_clicks.elapsed_us

    from touching_clicks

    inner join clicks
        on touching_clicks.click_id = clicks.click_id

),

-- An impression whose click is a touch of the same conversion counts as that click only.
impression_touches as (

    select
        touching_impressions.conversion_type,
        touching_impressions.conversion_id,
        'impression' as touch_type,
        touching_impressions.impression_id as touch_id,
        touching_impressions.impression_us as touch_us,
        touching_impressions.campaign_id,
        touching_impressions.ad_id,
        touching_impressions.impression_id,
        touching_impressions.impression_date,
        touching_impressions.elapsed_us

    from touching_impressions

    left join click_touches
        on
            touching_impressions.conversion_type = click_touches.conversion_type
            and touching_impressions.conversion_id = click_touches.conversion_id
            and touching_impressions.impression_date = click_touches.impression_date
            and touching_impressions.impression_id = click_touches.impression_id

    where click_touches.touch_id is null

),

unioned as (

    select * from click_touches

    union all

    select * from impression_touches

)

select
    *,
    case when touch_type = 'click' then 1 else 0 end as is_click,
    row_number() over (
        partition by conversion_type, conversion_id
        order by touch_us, case when touch_type = 'click' then 1 else 0 end, touch_id, impression_date
    ) as touch_number,
    count(*) over (partition by conversion_type, conversion_id) as touch_count

from unioned
