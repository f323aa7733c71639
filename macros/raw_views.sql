{% macro create_raw_views() %}
    {#-
        Makes each raw table visible by name, so that a person who opens the warehouse can look at it: the models read the
        lake itself. Only an engine that does not register tables anyway has something to do here.
    -#}
    {{ return(adapter.dispatch('create_raw_views')()) }}
{% endmacro %}

{% macro default__create_raw_views() %}{% endmacro %}

{% macro duckdb__create_raw_views() %}
    {% if execute and target.name != 'lint' %}
        {% do run_query('create schema if not exists raw') %}
        {% for table in graph.sources.values() %}
            {% do run_query(
                'create or replace view raw.' ~ table.name ~ ' as select * from ' ~ source(table.source_name, table.name)
            ) %}
        {% endfor %}
    {% endif %}
{% endmacro %}
