{% macro in_order_of(column) -%}
    {#-
        Ends a model whose rows are to be stored by `column`, which most readers choose a range of: DuckDB then passes over
        what is outside of it. On Athena partitions do that, and sorting would cost a query its memory.
    -#}
    {{ return(adapter.dispatch('in_order_of')(column)) }}
{%- endmacro %}

{% macro default__in_order_of(column) -%}
{%- endmacro %}

{% macro duckdb__in_order_of(column) -%}
    order by {{ column }}
{%- endmacro %}
