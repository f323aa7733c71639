{% macro create_exchange_rates() %}
    {#- Makes the seed's table if it is not there, empty, so that models can be built before `dbt seed` has filled it. -#}
    {% if execute %}
        {% for seed in graph.nodes.values() if seed.resource_type == 'seed' and seed.name == 'exchange_rates' %}
            {% set table = api.Relation.create(database=seed.database, schema=seed.schema, identifier=seed.alias, type='table') %}
            {% if adapter.get_relation(table.database, table.schema, table.identifier) is none %}
                {% do adapter.create_schema(table) %}
                {% do run_query(exchange_rates_definition(table)) %}
                {% do adapter.cache_added(table) %}  {#- or `dbt seed` would make it again, and fail -#}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{% macro exchange_rates_definition(table) %}
    {{ return(adapter.dispatch('exchange_rates_definition')(table)) }}
{% endmacro %}

{% macro default__exchange_rates_definition(table) %}
    create table if not exists {{ table.render_hive() }} (
        `date` date, from_currency string, to_currency string, rate decimal(18, 9)
    )
    location '{{ adapter.generate_s3_location(table, target.s3_data_dir, target.s3_data_naming) }}'
    tblproperties ('table_type' = 'iceberg')
{% endmacro %}

{% macro duckdb__exchange_rates_definition(table) %}
    create table if not exists {{ table }} (
        date date, from_currency varchar, to_currency varchar, rate decimal(18, 9)
    )
{% endmacro %}
