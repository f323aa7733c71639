{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ return(schema_of_layer(custom_schema_name | trim if custom_schema_name else target.schema)) }}
{%- endmacro %}

{% macro schema_of_layer(layer) -%}
    {{ return(adapter.dispatch('schema_of_layer')(layer)) }}
{%- endmacro %}

{% macro default__schema_of_layer(layer) -%}
    {#-
        A generation of tables has schemas of its own, so that a full refresh leaves alone what readers see: the views in
        `marts` point at the tables of the generation that was published.
    -#}
    {{ return(layer ~ '_' ~ target.schema) }}
{%- endmacro %}

{% macro duckdb__schema_of_layer(layer) -%}
    {#- A folder's schema is its name: publishing copies the file that it is in. -#}
    {{ return(layer) }}
{%- endmacro %}

{% macro generate_database_name(custom_database_name=none, node=none) -%}
    {{ return(adapter.dispatch('database_of_layer')(custom_database_name, node)) }}
{%- endmacro %}

{% macro default__database_of_layer(custom_database_name, node) -%}
    {{ target.database }}
{%- endmacro %}

{% macro duckdb__database_of_layer(custom_database_name, node) -%}
    {#- Marts live in a file of their own, because publishing copies that file; a model that marts look at is there too. -#}
    {{ 'marts' if node and node.config.get('schema') == 'marts' else custom_database_name or target.database }}
{%- endmacro %}
