{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['user_id', 'event_hour'],
) }}

with

impressions as (

    select * from {{ ref('int_impressions') }}

    where user_id is not null and {{ is_changed('event_date', kind='impressions') }}

),

hourly as (

    select
        user_id,
        event_date,
        {{ whole_units('event_us', 3600000000) }} as event_hour,
        count(*) as impressions

    from impressions

    group by
        user_id,
        event_date,
        {{ whole_units('event_us', 3600000000) }}

    having count(*) > {{ var('most_impressions_an_hour') }}

),

{% if is_incremental() %}
    known as (

        select * from {{ this }}

        where {{ is_changed('event_date', kind='impressions') }}

    ),

    -- What was a flood and is none any more stays, without impressions, so that those of its hour are judged again.
    compared as (

        select
            coalesce(hourly.user_id, known.user_id) as user_id,
            coalesce(hourly.event_date, known.event_date) as event_date,
            coalesce(hourly.event_hour, known.event_hour) as event_hour,
            coalesce(hourly.impressions, 0) as impressions

        from hourly

        full outer join known
            on hourly.user_id = known.user_id and hourly.event_hour = known.event_hour

        where known.user_id is null or coalesce(hourly.impressions, 0) <> known.impressions

    )
{% else %}
    compared as (

        select * from hourly

    )
{% endif %}

select
    *,
    {{ completed_build() }} + 1 as changed_in_build

from compared
