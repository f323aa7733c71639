{{ config(materialized='view') }}

with

-- The running day is not over: it would always look low. Older days are only there to be compared with.
campaign_kpis as (

    select * from {{ ref('int_campaign_kpis') }}

    where
        date < {{ as_of_date() }}
        and date >= {{ as_of_date() }} - interval '{{ var("alert_days") + 56 }}' day

),

-- A list of each metric, and sums: of the eight same weekdays before the day, those that are there.
listed as (

    select
        *,
        {% for kpi in kpis() %}
            count({{ kpi }}) over same_weekdays as {{ kpi }}_days,
            array_agg({{ kpi }}) over same_weekdays as {{ kpi }}_list,
        {% endfor %}
        sum(impressions) over same_weekdays as compared_impressions,
        sum(clicks) over same_weekdays as compared_clicks,
        sum(conversions) over same_weekdays as compared_conversions

    from campaign_kpis

    window
        same_weekdays as (
            partition by scope, campaign_id, extract(dow from date)
            order by date
            range between interval '56' day preceding and interval '7' day preceding
        )

),

measured as (

    select
        *,
        impressions >= 1000 and compared_impressions >= 1000 as has_impressions,
        clicks >= 50 and compared_clicks >= 50 as has_clicks

    from listed

),

centered as (

    select
        {% for kpi in kpis() %}
            {{ list_median(kpi ~ '_list', kpi ~ '_days') }} as {{ kpi }}_median,
        {% endfor %}
        measured.*

    from measured

    where
        (has_impressions or has_clicks)
        and date >= {{ as_of_date() }} - interval '{{ var("alert_days") }}' day

)

select
    scope,
    campaign_id,
    date,
    {% for kpi in kpis() %}
        {{ kpi }},
        {{ kpi }}_days,
        {{ kpi }}_median,
        {{ list_median(list_deviations(kpi ~ '_list', kpi ~ '_median'), kpi ~ '_days') }} as {{ kpi }}_deviation,
    {% endfor %}
    compared_impressions,
    compared_clicks,
    compared_conversions,
    has_impressions,
    has_clicks

from centered
