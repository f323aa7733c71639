{{ config(**full_rewrite()) }}

with

changed_days as (

    select distinct event_date from {{ ref('int_impressions_changed') }}

),

-- A UTC day has hours of two report days, or of three where clocks are put forward.
moments as (

    select
        changed_days.event_date,
        cast(changed_days.event_date as timestamp(6)) + hours.passed * interval '1' hour as event_time

    from changed_days

    cross join (values (0), (12), (23)) as hours (passed)

),

reported as (

    select distinct
        event_date,
        cast({{ report_time('event_time') }} as date) as report_date

    from moments

)

select
    event_date,
    report_date,
    cast(date_trunc('week', report_date) as date) as week_start

from reported
