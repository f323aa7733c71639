{% macro repeated_keys(model, columns) -%}
    {#- A row for each combination of `columns` that stands in more than one row of `model`, or has a null in it. -#}
    {{ return(adapter.dispatch('repeated_keys')(model, columns)) }}
{%- endmacro %}

{% macro default__repeated_keys(model, columns) %}
    select
        {{ columns | join(', ') }},
        count(*) as row_count

    from {{ model }}

    group by {{ columns | join(', ') }}

    having count(*) > 1 or {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endmacro %}

{% macro duckdb__repeated_keys(model, columns) %}
    {#-
        Grouping by a hash of the key is half the work of grouping by the key. Rows that share a hash are then compared
        by their real keys, so the answer is exact; where no hash repeats, the second scan is skipped. Nulls are looked
        for by themselves, because the statistics of a column nearly always say that there are none.
    -#}
    with

    suspects as (

        select hash({{ columns | join(', ') }}) as key_hash

        from {{ model }}

        group by key_hash

        having count(*) > 1

        union all

        select hash({{ columns | join(', ') }}) as key_hash

        from {{ model }}

        where {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}

    )

    select
        {{ columns | join(', ') }},
        count(*) as row_count

    from {{ model }}

    where hash({{ columns | join(', ') }}) in (select suspects.key_hash from suspects)

    group by {{ columns | join(', ') }}

    having count(*) > 1 or {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endmacro %}
