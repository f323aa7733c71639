{% macro duckdb__load_csv_rows(model, agate_table) %}
    {#-
        Reads a seed as dbt-duckdb does, but for its days: DuckDB would look for a way to write days that fits the whole file,
        and 3/1/2025 would be the third of January. What is not written as 2025-03-01 is an error.
    -#}
    {% set file = adapter.get_seed_file_path(model) | replace("'", "''") %}
    {% set sql %}
        copy {{ this.render() }} from '{{ file }}' (format csv, header true, delimiter ',', dateformat '%Y-%m-%d')
    {% endset %}
    {% do adapter.add_query(sql, abridge_sql_log=True) %}
    {{ return(sql) }}
{% endmacro %}
