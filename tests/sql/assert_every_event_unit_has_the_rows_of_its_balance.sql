-- As assert_every_unit_has_the_rows_of_its_balance, for files of events; a build without those leaves it out too.
with

{% for kind, events in event_models().items() %}
    {{ kind }}_rows as (

        select
            '{{ kind }}' as kind,
            _source,
            count(*) as mart_rows

        from {{ ref(events) }}

        group by _source

    ),
{% endfor %}
mart_rows as (

    {% for kind in event_models() %}
        select * from {{ kind }}_rows
        {% if not loop.last %}

            union all

        {% endif %}
    {% endfor %}

),

balances as (

    select
        kind,
        _source,
        sum(records_kept) as records_kept

    from {{ ref('source_balances') }}

    where kind in (select event_units.kind from {{ ref('int_event_units') }} as event_units)

    group by
        kind,
        _source

)

select
    coalesce(balances.kind, mart_rows.kind) as kind,
    coalesce(balances._source, mart_rows._source) as _source,
    mart_rows.mart_rows,
    balances.records_kept

from balances

full outer join mart_rows
    on balances.kind = mart_rows.kind and balances._source = mart_rows._source

where coalesce(mart_rows.mart_rows, 0) <> coalesce(balances.records_kept, -1)
