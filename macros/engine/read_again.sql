{% macro read_again() -%}
    {#-
        Stands behind the `as` of a CTE that is large and used several times. DuckDB would keep all its rows in memory, or on the
        disk where they do not fit; to read the Parquet files again is faster. Trino does that anyway.
    -#}
    {{ return(adapter.dispatch('read_again')()) }}
{%- endmacro %}

{% macro default__read_again() -%}
{%- endmacro %}

{% macro duckdb__read_again() -%}
    not materialized
{%- endmacro %}
