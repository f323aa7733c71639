{{ config(**full_rewrite()) }}

with

ad_events as (

    select * from {{ ref('ad_events') }}

),

dated as (

    select
        coalesce(campaign_id, 'unknown_campaign') as campaign_id,
        user_id,
        report_date,
        cast(date_trunc('week', report_date) as date) as week_start

    from ad_events

),

periods as (

    select
        campaign_id,
        'day' as period,
        report_date as period_start,
        user_id

    from dated

    union all

    select
        campaign_id,
        'week' as period,
        week_start as period_start,
        user_id

    from dated

),

summed as (

    select
        campaign_id,
        period,
        period_start,
        count(user_id) as impressions,
        count(*) - count(user_id) as impressions_without_user,
        count(distinct user_id) as reach

    from periods

    group by
        campaign_id,
        period,
        period_start

)

select
    *,
    {{ ratio('impressions', 'reach') }} as frequency

from summed
