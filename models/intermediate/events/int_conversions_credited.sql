{{ config(**full_rewrite()) }}

{%- set whole = 1000000000000 -%}

with

touches as (

    select * from {{ ref('int_touches') }}

),

-- A touch counts half as much as one that is seven days younger.
weights as (

    select weighed.*

    from (
        values
        {% for days in range(var('click_lookback_days') + 1) -%}
            ({{ days }}, {{ [(1000000 * 2 ** (-days / 7) + 0.5) | int, 1] | max }}){{ ', ' if not loop.last }}
        {%- endfor %}
    ) as weighed (age_days, weight)

),

weighted as (

    select
        touches.*,
        cast(weights.weight as bigint) as weight,
        cast(
            sum(weights.weight) over (partition by touches.conversion_type, touches.conversion_id) as bigint
        ) as weights,
        row_number() over (
            partition by touches.conversion_type, touches.conversion_id
            order by touches.is_click desc, touches.touch_number desc
        ) as place_from_last_click

    from touches

    inner join weights
        on {{ whole_units('touches.elapsed_us', 86400000000) }} = weights.age_days

),

-- Credit in whole units of 10^-12, every division cut: no double is involved, and no digit differs between engines.
divided as (

    select
        *,
        case when place_from_last_click = 1 then {{ whole }} else 0 end as last_click_else_view,
        case when touch_number = 1 then {{ whole }} else 0 end as first_touch,
        case when touch_number = touch_count then {{ whole }} else 0 end as last_touch,
        {{ whole_units(whole, 'touch_count') }} as linear,
        {{ whole_units('weight * ' ~ whole, 'weights') }} as time_decay,
        case
            when touch_count = 1 then {{ whole }}
            when touch_count = 2 then {{ 5 * 10 ** 11 }}
            when touch_number in (1, touch_count) then {{ 4 * 10 ** 11 }}
            else {{ whole_units(2 * 10 ** 11, 'nullif(touch_count - 2, 0)') }}
        end as position

    from weighted

),

summed as (

    select
        conversion_type,
        conversion_id,
        cast(sum(linear) as bigint) as linear,
        cast(sum(time_decay) as bigint) as time_decay,
        cast(sum(position) as bigint) as position

    from divided

    group by
        conversion_type,
        conversion_id

),

-- The last touch takes what the divisions left over, so that each model gives a conversion away exactly once.
completed as (

    select
        divided.conversion_type,
        divided.conversion_id,
        divided.touch_type,
        divided.touch_id,
        divided.touch_us,
        divided.campaign_id,
        divided.ad_id,
        divided.impression_id,
        divided.impression_date,
        divided.touch_number,
        divided.touch_count,
        divided.last_click_else_view,
        divided.first_touch,
        divided.last_touch,
        divided.linear + case
            when divided.touch_number = divided.touch_count then {{ whole }} - summed.linear
            else 0
        end as linear,
        divided.time_decay + case
            when divided.touch_number = divided.touch_count then {{ whole }} - summed.time_decay
            else 0
        end as time_decay,
        divided.position + case
            when divided.touch_number = divided.touch_count then {{ whole }} - summed.position
            else 0
        end as position

    from divided

    inner join summed
        on divided.conversion_type = summed.conversion_type and divided.conversion_id = summed.conversion_id

)

select
    conversion_type,
    conversion_id,
    touch_type,
    touch_id,
    touch_us,
    campaign_id,
    ad_id,
    impression_id,
    impression_date,
    touch_number,
    touch_count,
    {{ as_credit('last_click_else_view') }} as last_click_else_view,
    {{ as_credit('first_touch') }} as first_touch,
    {{ as_credit('last_touch') }} as last_touch,
    {{ as_credit('linear') }} as linear,
    {{ as_credit('time_decay') }} as time_decay,
    {{ as_credit('position') }} as position

from completed
