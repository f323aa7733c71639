{{ config(**full_rewrite()) }}

with

{% for kind, events in event_models().items() %}
    {{ kind }}_found as (

        select
            '{{ kind }}' as kind,
            _source,
            1 as records_found,
            case when rejection_reason is not null then 1 else 0 end as records_quarantined,
            0 as records_kept

        from {{ ref('stg_' ~ kind ~ '__events') }}

    ),

    {{ kind }}_kept as (

        select
            '{{ kind }}' as kind,
            _source,
            0 as records_found,
            0 as records_quarantined,
            1 as records_kept

        from {{ ref(events) }}

    ),
{% endfor %}
unioned as (

    {% for kind in event_models() %}
        select * from {{ kind }}_found

        union all

        select * from {{ kind }}_kept
        {% if not loop.last %}

            union all

        {% endif %}
    {% endfor %}

),

summed as (

    select
        kind,
        _source,
        cast(sum(records_found) as bigint) as records_found,
        cast(sum(records_quarantined) as bigint) as records_quarantined,
        cast(sum(records_kept) as bigint) as records_kept

    from unioned

    group by
        kind,
        _source

)

select
    *,
    records_found - records_quarantined - records_kept as records_duplicate

from summed
