{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(event_date)'],
    pre_hook="{{ delete_changed_touch_days() }}",
) }}

with

impressions as (

    select * from {{ ref('int_impressions_flagged') }}

    where {{ is_on_changed_touch_day('event_date') }}

),

-- All records of current files: if one is withdrawn, a record of another can stand, on a day that did not change.
records as (

    select
        user_id,
        impression_id,
        event_date

    from {{ ref('stg_conversions__events') }}

    where rejection_reason is null

),

-- Each day on which an impression may have led to one.
dated as (

    select
        records.user_id,
        records.impression_id,
        cast(records.event_date - look_back.passed * interval '1' day as date) as impression_date

    from records

    cross join (
        values
        {% for days in range(var('view_lookback_days') + 1) -%}
            ({{ days }}){{ ', ' if not loop.last }}
        {%- endfor %}
    ) as look_back (passed)

),

users as (

    select distinct
        user_id,
        impression_date

    from dated

    where user_id is not null

),

named as (

    select distinct
        impression_id,
        impression_date

    from dated

    where impression_id is not null

)

select
    impressions.event_date,
    impressions.impression_id,
    impressions.user_id,
    impressions.event_us,
    impressions.campaign_id,
    impressions.ad_id,
    impressions.invalid_reason

from impressions

left join users
    on impressions.user_id = users.user_id and impressions.event_date = users.impression_date

left join named
    on impressions.impression_id = named.impression_id and impressions.event_date = named.impression_date

where users.user_id is not null or named.impression_id is not null
