{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- A folder's schema is its name, without the target's in front: `marts.campaign_summary` on every engine. -#}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}

{% macro generate_database_name(custom_database_name=none, node=none) -%}
    {{ return(adapter.dispatch('database_of_layer')(node)) }}
{%- endmacro %}

{% macro default__database_of_layer(node) -%}
    {{ target.database }}
{%- endmacro %}

{% macro duckdb__database_of_layer(node) -%}
    {#- Marts live in a file of their own, because publishing copies that file. -#}
    {{ 'marts' if node and node.config.get('schema') == 'marts' else target.database }}
{%- endmacro %}
