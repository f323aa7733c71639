{% test one_value_per_key(model, key, value, unknown_key, unknown_value) %}
    {#- Fails for each key that comes with more than one value; the null defaults do not count. -#}
    select
        {{ key }},
        count(distinct {{ value }}) as value_count

    from {{ model }}

    where {{ key }} <> '{{ unknown_key }}' and {{ value }} <> '{{ unknown_value }}'

    group by {{ key }}

    having count(distinct {{ value }}) > 1
{% endtest %}
