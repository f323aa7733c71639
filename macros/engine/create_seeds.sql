{% macro create_seeds() %}
    {#- Makes each seed's table that is not there, empty, so that models can be built before `dbt seed` has filled it. -#}
    {% if execute %}
        {% for seed in graph.nodes.values() if seed.resource_type == 'seed' and seed.package_name == project_name %}
            {% set table = api.Relation.create(database=seed.database, schema=seed.schema, identifier=seed.alias, type='table') %}
            {% if adapter.get_relation(table.database, table.schema, table.identifier) is none %}
                {% do adapter.create_schema(table) %}
                {% do run_query(seed_definition(table, seed.config.column_types)) %}
                {% do adapter.cache_added(table) %}  {#- or `dbt seed` would make it again, and fail -#}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{% macro seed_definition(table, columns) %}
    {{ return(adapter.dispatch('seed_definition')(table, columns)) }}
{% endmacro %}

{% macro default__seed_definition(table, columns) %}
    create table if not exists {{ table.render_hive() }} (
        {% for name, type in columns.items() -%}
            `{{ name }}` {{ 'string' if type == 'varchar' else type }}{{ ', ' if not loop.last }}
        {%- endfor %}
    )
    location '{{ adapter.generate_s3_location(table, target.s3_data_dir, target.s3_data_naming) }}'
    tblproperties ('table_type' = 'iceberg')
{% endmacro %}

{% macro duckdb__seed_definition(table, columns) %}
    create table if not exists {{ table }} (
        {% for name, type in columns.items() %}{{ name }} {{ type }}{{ ', ' if not loop.last }}{% endfor %}
    )
{% endmacro %}
