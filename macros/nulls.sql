{% macro null_if_blank(column) -%}
    {#- A text that is empty after trimming says nothing. Other words ("null", "N/A") are values, whatever they look like. -#}
    {{ return(adapter.dispatch('null_if_blank')(column)) }}
{%- endmacro %}

{% macro default__null_if_blank(column) -%}
    {#- The same blanks as DuckDB's below; Trino's trim would also take those of other alphabets. -#}
    case when regexp_like({{ column }}, '[^ \t\n\r\x0B\f]') then {{ column }} end
{%- endmacro %}

{% macro duckdb__null_if_blank(column) -%}
    {#-
        DuckDB's one-argument trim takes spaces only. Nearly every text begins with a character behind the blanks, and need
        not be trimmed to see that it says something.
    -#}
    case when {{ column }} >= '!' or trim({{ column }}, e' \t\n\r\v\f') <> '' then {{ column }} end
{%- endmacro %}
