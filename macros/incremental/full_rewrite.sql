{% macro full_rewrite() -%}
    {#-
        The configuration of a table whose rows are all written by each build: emptied and filled again. It stays the same
        table, because readers in Athena see the snapshot of it that was published; dbt's `table` would drop it.
    -#}
    {{ return({
        'materialized': 'incremental',
        'incremental_strategy': 'append',
        'pre_hook': '{% if is_incremental() %}delete from {{ this }}{% endif %}',
    }) }}
{%- endmacro %}
