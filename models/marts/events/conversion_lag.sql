{{ config(**full_rewrite()) }}

with

credited as (

    select * from {{ ref('attributed_conversions') }}

    where last_click_else_view > 0 and touch_type <> 'unattributed'

),

touches as (

    select * from {{ ref('int_touches') }}

),

aged as (

    select
        credited.campaign_id,
        credited.conversion_type,
        credited.touch_type,
        cast({{ whole_units('touches.elapsed_us', 86400000000) }} as bigint) as lag_days,
        credited.conversion_count,
        credited.conversion_value

    from credited

    inner join touches
        on
            credited.conversion_type = touches.conversion_type
            and credited.conversion_id = touches.conversion_id
            and credited.touch_number = touches.touch_number

)

select
    campaign_id,
    conversion_type,
    touch_type,
    lag_days,
    cast(sum(conversion_count) as decimal(38, 6)) as conversions,
    cast(coalesce(sum(conversion_value), 0) as decimal(38, 6)) as conversion_value

from aged

group by
    campaign_id,
    conversion_type,
    touch_type,
    lag_days
