{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed_periods() }}",
) }}

with

ad_events as (

    select * from {{ ref('ad_events') }}

),

flights as (

    select * from {{ ref('stg_campaign_targets__flights') }}

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

    where {{ is_changed('report_date', kind='ad_events') }}

    union all

    select
        campaign_id,
        'week' as period,
        week_start as period_start,
        user_id

    from dated

    where {{ is_changed('week_start', kind='ad_events') }} and {{ is_within_changed_weeks('report_date') }}

    union all

    -- Each time anew, because flights come from a seed.
    select
        dated.campaign_id,
        'flight' as period,
        flights.flight_start as period_start,
        dated.user_id

    from dated

    inner join flights
        on
            dated.campaign_id = flights.campaign_id
            and dated.report_date >= flights.flight_start
            and dated.report_date <= flights.flight_end

    where {{ is_within_flights('dated.report_date') }}

),

people as (

    -- A user, or everybody who is not known, in one period of a campaign.
    select
        campaign_id,
        period,
        period_start,
        user_id,
        count(*) as impressions

    from periods

    group by
        campaign_id,
        period,
        period_start,
        user_id

),

summed as (

    select
        campaign_id,
        period,
        period_start,
        cast(sum(case when user_id is null then 0 else impressions end) as bigint) as impressions,
        cast(sum(case when user_id is null then impressions else 0 end) as bigint) as impressions_without_user,
        count(user_id) as reach,
        {% for times in range(1, 10) %}
            count(case when impressions = {{ times }} then user_id end) as reached_{{ times }},
        {% endfor %}
        count(case when impressions >= 10 then user_id end) as reached_10_or_more

    from people

    group by
        campaign_id,
        period,
        period_start

)

select
    *,
    {{ ratio('impressions', 'reach') }} as frequency

from summed
