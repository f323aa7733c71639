-- A warning about a source: of more than 1 % of a day's records another one has the same id and says something else, so
-- that only one of them counts. Such an id may be that of a user or a session. A build looks at the days it changes.
{{ config(severity='warn', meta={'has_message': true}) }}

{%- set ids = {'impressions': 'impression_id', 'clicks': 'click_id', 'conversions': 'conversion_id'} %}

with

{% for kind in ids %}
    {{ kind }}_summed as (

        select
            '{{ kind }}' as kind,
            source,
            event_date,
            sum(row_count) as records,
            sum(conflict_count) as conflicts

        from {{ ref(event_models()[kind]) }}

        where has_own_id and {{ is_pending('event_date', kind) }}

        group by
            source,
            event_date

    ),
{% endfor %}
unioned as (

    {% for kind in ids %}
        select * from {{ kind }}_summed
        {% if not loop.last %}

            union all

        {% endif %}
    {% endfor %}

)

select
    *,
    source || ': of ' || cast(records as varchar) || ' records of ' || cast(event_date as varchar) || ' '
    || cast(conflicts as varchar) || ' have the id of another one and say something else, so they do not count; if the '
    || 'column is no id of single events, write `id: none` into sources.yml' as message

from unioned

where conflicts >= 5 and conflicts * 100 > records
