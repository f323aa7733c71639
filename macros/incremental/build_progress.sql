{#
    How an incremental build knows what it still has to do. int_unit_days notes with each fetch and file the number
    of the build in which its standing last changed; build_progress holds the numbers of the builds whose incremental
    models all came to their end and were tested. What changed in a build that is not complete is taken up again by the next one, so a
    build that was killed anywhere is healed by running it again, and doing a change twice changes nothing.
#}

{% macro build_progress() -%}
    {{ return(api.Relation.create(database=target.database, schema=schema_of_layer('intermediate'), identifier='build_progress')) }}
{%- endmacro %}

{% macro completed_build() -%}
    (select coalesce(max(completed_build), 0) from {{ build_progress() }})
{%- endmacro %}

{% macro has_completed_build() -%}
    {#- Whether a build ever came to its end here; before the first one there is not even the table. -#}
    {%- set progress = build_progress() -%}
    {%- set known = adapter.get_relation(progress.database, progress.schema, progress.identifier) if execute else none -%}
    {{ return(known is not none and few_values('select ' ~ completed_build())[0] > 0) }}
{%- endmacro %}

{% macro create_build_progress() %}
    {% if execute %}
        {% do adapter.create_schema(build_progress()) %}
        {% do run_query(build_progress_definition()) %}
    {% endif %}
{% endmacro %}

{% macro build_progress_definition() %}
    {{ return(adapter.dispatch('build_progress_definition')()) }}
{% endmacro %}

{% macro default__build_progress_definition() %}
    {#- An Iceberg table, so that a number is there whole or not at all. -#}
    create table if not exists {{ build_progress().render_hive() }} (completed_build bigint)
    location '{{ adapter.generate_s3_location(build_progress(), target.s3_data_dir, target.s3_data_naming) }}'
    tblproperties ('table_type' = 'iceberg')
{% endmacro %}

{% macro duckdb__build_progress_definition() %}
    create table if not exists {{ build_progress() }} (completed_build bigint)
{% endmacro %}

{% macro complete_build(results) %}
    {#-
        Only if each incremental model came to its end, and each test that looks at changes alone has looked at these: after a
        `dbt run`, or a test that failed, the next build makes and tests them again.
    -#}
    {% if execute %}
        {% set done = results | selectattr('status', 'in', ['success', 'pass', 'warn']) | map(attribute='node.unique_id') | list %}
        {% set left_out = [] %}
        {% for node in graph.nodes.values() %}
            {% set looks_at_changes = node.resource_type == 'test' and (node.test_metadata or {}).get('kwargs', {}).changes_by %}
            {% if (node.config.materialized == 'incremental' or looks_at_changes) and node.unique_id not in done
                and not is_left_out(node) %}
                {% do left_out.append(node.name) %}
            {% endif %}
        {% endfor %}
        {% if not left_out %}
            {% set sources = api.Relation.create(database=target.database, schema=schema_of_layer('intermediate'), identifier='int_unit_days') %}
            {% do run_query(
                'insert into ' ~ build_progress() ~ ' select max(changed_in_build) from ' ~ sources
                ~ ' having max(changed_in_build) > ' ~ completed_build()
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}
