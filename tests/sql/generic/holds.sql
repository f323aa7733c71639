{% test holds(model, condition) %}
    {#- Fails for each row for which `condition` is not true; unknown is not true. -#}
    select *

    from {{ model }}

    where ({{ condition }}) is distinct from true
{% endtest %}
