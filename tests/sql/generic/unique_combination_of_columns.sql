{% test unique_combination_of_columns(model, combination_of_columns, changes_by=none, kind=none) %}
    {#-
        Fails for each combination of the columns that more than one row has, or that has a null in it. A large table says by
        which of the columns its rows change, `_source` or `date`, and records of which kind they are; then a build looks only
        at the units or days that it changes itself.
    -#}
    {%- if changes_by -%}
        {%- set rows = '(select * from ' ~ model ~ ' where ' ~ is_pending(changes_by, kind) ~ ') as changed' -%}
        {{ repeated_keys(rows, combination_of_columns) }}
    {%- else -%}
        {{ repeated_keys(model, combination_of_columns) }}
    {%- endif -%}
{% endtest %}
