{% test unique_combination_of_columns(model, combination_of_columns) %}
    {#- Fails for each combination of the columns that more than one row has, or that has a null in it. -#}
    {{ repeated_keys(model, combination_of_columns) }}
{% endtest %}
