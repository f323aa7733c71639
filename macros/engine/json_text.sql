{% macro json_text(json, path) -%}
    {#- The text that a JSON text has at a path such as `$.publisher.id`; null where it has none. -#}
    {{ return(adapter.dispatch('json_text')(json, path)) }}
{%- endmacro %}

{% macro default__json_text(json, path) -%}
    json_extract_scalar({{ json }}, '{{ path }}')
{%- endmacro %}

{% macro duckdb__json_text(json, path) -%}
    json_extract_string({{ json }}, '{{ path }}')
{%- endmacro %}

{% macro cross_join_objects(json, fields, place) -%}
    {#-
        A join with each object of a JSON list: its `fields`, which are texts, and in the column `place` its number, from 1. A null
        and an empty list join with nothing.
    -#}
    {{ return(adapter.dispatch('cross_join_objects')(json, fields, place)) }}
{%- endmacro %}

{% macro default__cross_join_objects(json, fields, place) -%}
    cross join unnest(
        cast(json_parse({{ json }}) as array(row({{ fields | join(' varchar, ') }} varchar)))
    ) with ordinality as objects ({{ fields | join(', ') }}, {{ place }})
{%- endmacro %}

{% macro duckdb__cross_join_objects(json, fields, place) -%}
    cross join lateral (
        select
            {% for field in fields -%}
                listed.one.{{ field }} as {{ field }},
            {% endfor -%}
            listed.{{ place }}
        from unnest(
            from_json({{ json }}, '[{ {%- for field in fields -%} "{{ field }}": "VARCHAR"{{ ', ' if not loop.last }} {%- endfor -%} }]')
        ) with ordinality as listed (one, {{ place }})
    ) as objects
{%- endmacro %}
