{% test unique_grain(model, columns) %}
    {#- Fails for each combination of `columns` that stands in more than one row, or has a null in it. -#}
    {{ repeated_keys(model, columns) }}
{% endtest %}
