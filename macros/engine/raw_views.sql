{% macro create_raw_views() %}
    {#-
        Makes each raw table visible by name where an engine reads the lake in place and registers no tables: its folder is
        looked up when dbt runs, so that the parsed project is the same for every lake.
    -#}
    {{ return(adapter.dispatch('create_raw_views')()) }}
{% endmacro %}

{% macro default__create_raw_views() %}{% endmacro %}

{% macro duckdb__create_raw_views() %}
    {% if execute and target.name != 'lint' %}
        {% set raw = env_var('ADHOUSE_LAKE_URL', env_var('ADHOUSE_HOME', 'data') ~ '/lake') ~ '/raw' %}
        {% if has_file(raw ~ '/_merging.json') %}
            {{ exceptions.raise_compiler_error(
                'a merge of files in ' ~ raw ~ ' was interrupted; `adhouse run` once finishes it'
            ) }}
        {% elif not has_file(raw ~ '/_dlt_loads/*.jsonl') %}
            {{ exceptions.raise_compiler_error(
                'nothing was extracted yet: no complete load in ' ~ raw ~ '; run `adhouse extract` first'
            ) }}
        {% endif %}
        {% do run_query('create schema if not exists raw') %}
        {% for table in graph.sources.values() %}
            {% set files = table.meta.read_by | replace('{folder}', (raw ~ '/' ~ table.name) | replace("'", "''")) %}
            {% do run_query('create or replace view ' ~ source(table.source_name, table.name) ~ ' as select * from ' ~ files) %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{% macro has_file(pattern) -%}
    {#- Whether DuckDB finds a file of that name on this machine. -#}
    {{ return(run_query("select count(*) from glob('" ~ (pattern | replace("'", "''")) ~ "')").columns[0].values()[0] > 0) }}
{%- endmacro %}
