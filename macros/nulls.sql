{% macro null_if_blank(column) -%}
    {#- A text that is empty after trimming says nothing. Other words ("null", "N/A") are values, whatever they look like. -#}
    {{ return(adapter.dispatch('null_if_blank')(column)) }}
{%- endmacro %}

{% macro default__null_if_blank(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro %}

{% macro duckdb__null_if_blank(column) -%}
    {#- DuckDB's one-argument trim takes spaces only. -#}
    case when trim({{ column }}, e' \t\n\r\v\f') <> '' then {{ column }} end
{%- endmacro %}
