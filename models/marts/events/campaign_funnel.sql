{{ config(**full_rewrite()) }}

with

bids as (

    select
        campaign_id,
        report_date as date,
        count(distinct opportunity_id) as opportunities,
        count(*) as bids,
        count(distinct case when won then opportunity_id end) as wins

    from {{ ref('int_bids_placed') }}

    group by
        campaign_id,
        report_date

),

events as (

    select
        campaign_id,
        date,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(case when is_net then impressions else 0 end) as bigint) as net_impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(net_clicks) as bigint) as net_clicks,
        cast(sum(media_cost) as decimal(38, 9)) as media_cost

    from {{ ref('int_campaign_days_shown') }}

    group by
        campaign_id,
        date

),

-- A click without its impression counts on its own day.
orphans as (

    select
        coalesce(campaign_id, 'unknown_campaign') as campaign_id,
        report_date as date,
        count(*) as clicks,
        count(case when invalid_reason is null then 1 end) as net_clicks

    from {{ ref('orphan_clicks') }}

    group by
        coalesce(campaign_id, 'unknown_campaign'),
        report_date

),

-- Unattributed conversions belong to no step of a funnel.
conversions as (

    select
        campaign_id,
        date,
        sum(conversions) as conversions,
        sum(view_through_conversions) as view_through_conversions

    from {{ ref('campaign_attribution') }}

    where model = 'last_click_else_view' and date_base = 'touch'

    group by
        campaign_id,
        date

    having sum(conversions) > 0 or sum(view_through_conversions) > 0

),

days as (

    select
        campaign_id,
        date

    from bids

    union distinct

    select
        campaign_id,
        date

    from events

    union distinct

    select
        campaign_id,
        date

    from orphans

    union distinct

    select
        campaign_id,
        date

    from conversions

),

joined as (

    select
        days.campaign_id,
        days.date,
        coalesce(bids.opportunities, 0) as opportunities,
        coalesce(bids.bids, 0) as bids,
        coalesce(bids.wins, 0) as wins,
        coalesce(events.impressions, 0) as impressions,
        coalesce(events.net_impressions, 0) as net_impressions,
        coalesce(events.clicks, 0) + coalesce(orphans.clicks, 0) as clicks,
        coalesce(events.net_clicks, 0) + coalesce(orphans.net_clicks, 0) as net_clicks,
        cast(coalesce(conversions.conversions, 0) as decimal(38, 12)) as conversions,
        cast(coalesce(conversions.view_through_conversions, 0) as decimal(38, 12)) as view_through_conversions,
        cast(coalesce(events.media_cost, 0) as decimal(38, 9)) as media_cost

    from days

    left join bids
        on days.campaign_id = bids.campaign_id and days.date = bids.date

    left join events
        on days.campaign_id = events.campaign_id and days.date = events.date

    left join orphans
        on days.campaign_id = orphans.campaign_id and days.date = orphans.date

    left join conversions
        on days.campaign_id = conversions.campaign_id and days.date = conversions.date

)

select
    *,
    {{ ratio('wins', 'opportunities') }} as win_rate,
    {{ ratio('net_clicks', 'net_impressions') }} as ctr,
    {{ ratio('conversions', 'net_clicks') }} as cvr

from joined
