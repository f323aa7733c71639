{{ config(**full_rewrite()) }}

with

impressions as (

    select
        user_id,
        report_date,
        1 as impressions,
        net_clicks,
        0 as conversions

    from {{ ref('ad_events') }}

    where user_id is not null

),

orphans as (

    select
        user_id,
        report_date,
        0 as impressions,
        case when invalid_reason is null then 1 else 0 end as net_clicks,
        0 as conversions

    from {{ ref('orphan_clicks') }}

    where user_id is not null

),

conversions as (

    select
        user_id,
        {{ report_date('event_us') }} as report_date,
        0 as impressions,
        0 as net_clicks,
        1 as conversions

    from {{ ref('int_conversions') }}

    where user_id is not null

),

unioned as (

    select * from impressions

    union all

    select * from orphans

    union all

    select * from conversions

),

-- The window ends with the day before the run: that day is not over.
windowed as (

    select
        *,
        report_date >= {{ as_of_date() }} - interval '{{ var("segment_days") }}' day
        and report_date < {{ as_of_date() }} as is_in_window

    from unioned

    where report_date < {{ as_of_date() }}

),

summed as (

    select
        user_id,
        cast(sum(case when is_in_window then impressions else 0 end) as bigint) as impressions,
        cast(sum(case when is_in_window then net_clicks else 0 end) as bigint) as net_clicks,
        cast(sum(case when is_in_window then conversions else 0 end) as bigint) as conversions

    from windowed

    group by user_id

)

select
    *,
    case
        when conversions > 0 then 'converted'
        when net_clicks > 0 then 'engaged'
        when impressions >= {{ var('saturated_impressions') }} then 'saturated'
        when impressions > 0 then 'reached'
        else 'lapsed'
    end as segment

from summed
