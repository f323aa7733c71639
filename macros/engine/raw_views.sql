{% macro create_raw_views() %}
    {#-
        Makes each raw table visible by name where an engine reads the lake in place and registers no tables: its folder is
        looked up now, when dbt runs, so that the parsed project is the same for every lake.
    -#}
    {{ return(adapter.dispatch('create_raw_views')()) }}
{% endmacro %}

{% macro default__create_raw_views() %}{% endmacro %}

{% macro duckdb__create_raw_views() %}
    {% if execute and target.name != 'lint' %}
        {% set lake = env_var('ADHOUSE_LAKE_URL', env_var('ADHOUSE_HOME', 'data') ~ '/lake') | replace("'", "''") %}
        {% do run_query('create schema if not exists raw') %}
        {% for table in graph.sources.values() %}
            {% set files = table.meta.read_by | replace('{folder}', lake ~ '/raw/' ~ table.name) %}
            {% do run_query('create or replace view ' ~ source(table.source_name, table.name) ~ ' as select * from ' ~ files) %}
        {% endfor %}
    {% endif %}
{% endmacro %}
