{{ config(**full_rewrite()) }}

with

conversions as (

    select * from {{ ref('int_conversions') }}

),

credited as (

    select * from {{ ref('int_conversions_credited') }}

),

-- A conversion without any touch has one row that takes all of it.
joined as (

    select
        conversions.conversion_type,
        conversions.conversion_id,
        conversions.campaign_id as conversion_campaign_id,
        conversions.event_us,
        conversions.conversion_value,
        conversions.conversion_count,
        coalesce(credited.touch_type, 'unattributed') as touch_type,
        credited.touch_id,
        credited.touch_us,
        credited.impression_id,
        credited.impression_date,
        case
            when credited.touch_type is null then coalesce(conversions.campaign_id, 'unattributed')
            else coalesce(credited.campaign_id, 'unknown_campaign')
        end as campaign_id,
        case when credited.touch_type is not null then coalesce(credited.ad_id, 'unknown_ad') end as ad_id,
        coalesce(credited.touch_number, 0) as touch_number,
        coalesce(credited.touch_count, 0) as touch_count,
        {%- for model in attribution_models() %}
            coalesce(credited.{{ model }}, cast(1 as decimal(18, 12))) as {{ model }},
        {%- endfor %}
        conversions.source,
        conversions._source,
        conversions._position

    from conversions

    left join credited
        on
            conversions.conversion_type = credited.conversion_type
            and conversions.conversion_id = credited.conversion_id

)

select
    conversion_type,
    conversion_id,
    conversion_campaign_id,
    {{ utc_time('event_us') }} as conversion_time,
    {{ report_date('event_us') }} as conversion_date,
    conversion_value,
    conversion_count,
    touch_type,
    touch_id,
    {{ utc_time('touch_us') }} as touch_time,
    coalesce({{ report_date('touch_us') }}, {{ report_date('event_us') }}) as touch_date,
    impression_id,
    impression_date,
    campaign_id,
    ad_id,
    touch_number,
    touch_count,
    {%- for model in attribution_models() %}
        {{ model }},
    {%- endfor %}
    source,
    _source,
    _position

from joined
