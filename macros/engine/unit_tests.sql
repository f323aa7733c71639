{% macro athena__get_create_table_as_sql(temporary, relation, sql) -%}
    {#-
        Only dbt's unit tests come here, to learn the types of a result that has no rows. A view says them too, sooner than
        a Hive table, and unlike one it may have microseconds.
    -#}
    {{ return(create_view_as(relation, sql)) }}
{%- endmacro %}
