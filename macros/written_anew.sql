{% macro written_anew() -%}
    {#-
        The configuration of a mart whose rows are all written by each build. On DuckDB that is a table made anew. On Athena
        it stays the same table, emptied and filled again, because readers see the snapshot that was published of it.
    -#}
    {{ return(adapter.dispatch('written_anew')()) }}
{%- endmacro %}

{% macro default__written_anew() %}
    {{ return({
        'materialized': 'incremental',
        'incremental_strategy': 'append',
        'pre_hook': '{% if is_incremental() %}delete from {{ this }}{% endif %}',
    }) }}
{% endmacro %}

{% macro duckdb__written_anew() %}
    {{ return({'materialized': 'table'}) }}
{% endmacro %}
