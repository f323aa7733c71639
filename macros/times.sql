{% macro as_utc(column) -%}
    {#- A timestamp without zone that reads as UTC, whatever the session's time zone is. -#}
    {{ return(adapter.dispatch('as_utc')(column)) }}
{%- endmacro %}

{% macro default__as_utc(column) -%}
    {#- Athena reads the lake's times as UTC and without a zone; Iceberg tables keep none but microseconds. -#}
    cast({{ column }} as timestamp(6))
{%- endmacro %}

{% macro duckdb__as_utc(column) -%}
    {#- The same as `at time zone 'UTC'`, which asks the calendar library about each row and takes ten times as long. -#}
    make_timestamp(epoch_us({{ column }}))
{%- endmacro %}

{% macro days_after(column, days) -%}
    {{ return(adapter.dispatch('days_after')(column, days)) }}
{%- endmacro %}

{% macro default__days_after(column, days) -%}
    date_add('day', {{ days }}, {{ column }})
{%- endmacro %}

{% macro duckdb__days_after(column, days) -%}
    {{ column }} + {{ days }}
{%- endmacro %}
