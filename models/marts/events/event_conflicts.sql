{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed_conflicts() }}",
) }}

{%- set ids = {
    'impressions': 'impression_id', 'bid_requests': 'auction_id', 'clicks': 'click_id', 'conversions': 'conversion_id'
} %}

with

{% for kind in ids %}
    {{ kind }} as (

        select
            '{{ kind }}' as kind,
            {{ ids[kind] }} as event_id,
            event_us,
            event_date,
            conflict_count,
            standing_payload,
            conflicting_payload,
            source,
            _source,
            _position,
            conflicting_source,
            conflicting_position

        from {{ ref(event_models()[kind]) }}

        where conflict_count > 0 and {{ is_on_day_of_conflicts(kind) }}

    ),
{% endfor %}
unioned as (

    {% for kind in ids %}
        select * from {{ kind }}
        {% if not loop.last %}

            union all

        {% endif %}
    {% endfor %}

)

select
    kind,
    event_id,
    {{ utc_time('event_us') }} as event_time,
    event_date,
    conflict_count,
    replace(standing_payload, chr(31), ' | ') as standing_payload,
    replace(conflicting_payload, chr(31), ' | ') as conflicting_payload,
    source,
    _source,
    _position,
    conflicting_source,
    conflicting_position

from unioned
