{% test one_value_per_key(model, keys, value, known) %}
    {#- Fails for each key that comes with more than one value, among the rows in which both are `known`. -#}
    select
        {{ keys | join(', ') }},
        count(distinct {{ value }}) as value_count

    from {{ model }}

    where {{ known }}

    group by {{ keys | join(', ') }}

    having count(distinct {{ value }}) > 1
{% endtest %}
