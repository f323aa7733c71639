{{ config(**full_rewrite()) }}

with

delivered as (

    select
        campaign_id,
        date,
        cast(sum(impressions) as decimal(38, 6)) as impressions,
        cast(sum(clicks) as decimal(38, 6)) as clicks,
        cast(sum(conversions) as decimal(38, 6)) as conversions,
        cast(coalesce(sum(spend), 0) as decimal(38, 6)) as spend,
        max(_received_at) as delivered_at

    from {{ ref('int_deliveries_accepted') }}

    group by
        campaign_id,
        date

),

rejected as (

    select
        campaign_id,
        date,
        cast(sum(impressions) as decimal(38, 6)) as impressions,
        cast(sum(clicks) as decimal(38, 6)) as clicks,
        cast(sum(conversions) as decimal(38, 6)) as conversions,
        cast(coalesce(sum(spend), 0) as decimal(38, 6)) as spend

    from {{ ref('quarantined_deliveries') }}

    group by
        campaign_id,
        date

),

imputed as (

    select
        campaign_id,
        date,
        cast(sum(spend) as decimal(38, 6)) as spend

    from {{ ref('int_deliveries_imputed') }}

    group by
        campaign_id,
        date

),

-- Conversions after a click count on the day of its impression, as platforms report them.
converted as (

    select
        impression_date,
        impression_id,
        sum(conversion_count) as conversions

    from {{ ref('attributed_conversions') }}

    where last_click_else_view > 0 and touch_type = 'click' and impression_id is not null

    group by
        impression_date,
        impression_id

),

unioned as (

    select
        campaign_id,
        date,
        is_net,
        processed_time,
        impressions,
        clicks,
        net_clicks,
        media_cost,
        0 as conversions

    from {{ ref('int_campaign_days_shown') }}

    where has_campaign

    union all

    select
        ad_events.campaign_id,
        ad_events.report_date as date,
        true as is_net,
        ad_events.processed_time,
        0 as impressions,
        0 as clicks,
        0 as net_clicks,
        0 as media_cost,
        converted.conversions

    from converted

    inner join {{ ref('ad_events') }} as ad_events
        on
            converted.impression_date = ad_events.event_date
            and converted.impression_id = ad_events.impression_id

    -- Those that have credit, so that the others are not looked at.
    where ad_events.interaction_depth = 2 and ad_events.campaign_id is not null

),

followed as (

    select
        unioned.*,
        unioned.processed_time > delivered.delivered_at as is_late

    from unioned

    left join delivered
        on unioned.campaign_id = delivered.campaign_id and unioned.date = delivered.date

),

measured as (

    select
        campaign_id,
        date,
        cast(sum(case when is_net then impressions else 0 end) as decimal(38, 6)) as impressions,
        cast(sum(case when is_net then 0 else impressions end) as decimal(38, 6)) as invalid_impressions,
        cast(sum(case when is_net and is_late then impressions else 0 end) as decimal(38, 6)) as late_impressions,
        cast(sum(net_clicks) as decimal(38, 6)) as clicks,
        cast(sum(clicks - net_clicks) as decimal(38, 6)) as invalid_clicks,
        cast(sum(case when is_late then net_clicks else 0 end) as decimal(38, 6)) as late_clicks,
        cast(sum(conversions) as decimal(38, 6)) as conversions,
        cast(sum(case when is_late then conversions else 0 end) as decimal(38, 6)) as late_conversions,
        cast(sum(case when is_net then media_cost else 0 end) as decimal(38, 6)) as spend,
        cast(sum(case when is_net then 0 else media_cost end) as decimal(38, 6)) as invalid_spend,
        cast(sum(case when is_net and is_late then media_cost else 0 end) as decimal(38, 6)) as late_spend

    from followed

    group by
        campaign_id,
        date

),

days as (

    select
        campaign_id,
        date

    from delivered

    union distinct

    select
        campaign_id,
        date

    from measured

)

select
    days.campaign_id,
    days.date,
    delivered.campaign_id is not null as is_delivered,
    measured.campaign_id is not null as is_measured,
    {%- for measure in ['impressions', 'clicks', 'conversions', 'spend'] %}
        coalesce(delivered.{{ measure }}, 0) as delivered_{{ measure }},
        coalesce(rejected.{{ measure }}, 0) as quarantined_{{ measure }},
        coalesce(measured.{{ measure }}, 0) as measured_{{ measure }},
        coalesce(measured.late_{{ measure }}, 0) as late_{{ measure }},
    {%- endfor %}
    coalesce(measured.invalid_impressions, 0) as invalid_impressions,
    coalesce(measured.invalid_clicks, 0) as invalid_clicks,
    coalesce(measured.invalid_spend, 0) as invalid_spend,
    coalesce(imputed.spend, 0) as imputed_spend

from days

left join delivered
    on days.campaign_id = delivered.campaign_id and days.date = delivered.date

left join rejected
    on days.campaign_id = rejected.campaign_id and days.date = rejected.date

left join imputed
    on days.campaign_id = imputed.campaign_id and days.date = imputed.date

left join measured
    on days.campaign_id = measured.campaign_id and days.date = measured.date
