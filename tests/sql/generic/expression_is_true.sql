{% test expression_is_true(model, expression) %}
    {#- Fails for each row for which the expression is not true; unknown is not true. -#}
    select *

    from {{ model }}

    where ({{ expression }}) is distinct from true
{% endtest %}
