{{ config(**full_rewrite()) }}

with

clicks as (

    select * from {{ ref('int_clicks_matched') }}

),

repeats as (

    select
        click_id,
        row_number() over (
            partition by matched_impression_date, matched_impression_id
            order by event_us, click_id
        ) as place

    from clicks

    where matched_impression_id is not null

),

floods as (

    select
        user_id,
        event_date

    from clicks

    where user_id is not null

    group by
        user_id,
        event_date

    having count(*) > {{ var('most_clicks_a_day') }}

),

flagged as (

    select
        clicks.*,
        case
            when repeats.place > 1 then 'repeat_click'
            when clicks.elapsed_us < {{ var('fastest_click_seconds') * 1000000 }} then 'fast_click'
            when floods.user_id is not null then 'click_flood'
        end as invalid_reason

    from clicks

    left join repeats
        on clicks.click_id = repeats.click_id

    left join floods
        on clicks.user_id = floods.user_id and clicks.event_date = floods.event_date

)

select * from flagged
