-- The records of events that break no rule are those that stand, and those for which they stand.
with

units as (

    select * from {{ ref('int_event_units') }}

),

{% for kind, events in event_models().items() %}
    {{ kind }}_counted as (

        select
            '{{ kind }}' as kind,
            coalesce(sum(row_count), 0) as records_standing

        from {{ ref(events) }}

    ),
{% endfor %}
counted as (

    {% for kind in event_models() %}
        select * from {{ kind }}_counted
        {% if not loop.last %}

            union all

        {% endif %}
    {% endfor %}

),

accepted as (

    select
        kind,
        sum(records_found - records_quarantined) as records_accepted

    from units

    group by kind

)

select
    counted.kind,
    counted.records_standing,
    accepted.records_accepted

from counted

left join accepted
    on counted.kind = accepted.kind

where counted.records_standing <> coalesce(accepted.records_accepted, 0)
