{{ config(**full_rewrite()) }}

{%- set event_kinds = "'" ~ event_models() | join("', '") ~ "'" %}

with

current_units as (

    select * from {{ ref('int_units') }}

    where outcome = 'current' and kind in ({{ event_kinds }})

),

counted as (

    select
        current_units.kind,
        current_units._source,
        cast(sum(counted_days.records_found) as bigint) as records_found,
        cast(sum(counted_days.records_passed) as bigint) as records_passed

    from current_units

    inner join {{ ref('int_unit_days_counted') }} as counted_days
        on
            current_units.kind = counted_days.kind
            and current_units._source = counted_days._source
            and current_units._dlt_load_id = counted_days._dlt_load_id

    group by
        current_units.kind,
        current_units._source

),

{% for kind, events in event_models().items() %}
    {{ kind }}_kept as (

        select
            '{{ kind }}' as kind,
            _source,
            count(*) as records_kept

        from {{ ref(events) }}

        group by _source

    ),
{% endfor %}
kept as (

    {% for kind in event_models() %}
        select * from {{ kind }}_kept
        {% if not loop.last %}

            union all

        {% endif %}
    {% endfor %}

),

joined as (

    select
        counted.kind,
        counted._source,
        counted.records_found,
        counted.records_passed,
        coalesce(kept.records_kept, 0) as records_kept

    from counted

    left join kept
        on counted.kind = kept.kind and counted._source = kept._source

)

select
    kind,
    _source,
    records_found,
    records_found - records_passed as records_quarantined,
    records_kept,
    records_passed - records_kept as records_duplicate

from joined
