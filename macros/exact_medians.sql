{% macro exact_medians(observations, keys, value, counted) -%}
    {#-
        A select with one row per combination of `keys` that stands in `counted`: the keys and `median_<value>`, the exact
        median of `value` over `observations`: the middle value, or the mean of the two middle ones, half up at six decimals.

        `observations` and `counted` are names of CTEs or relations; only keys in `counted` are computed, because a median
        of every key costs ten times as much. Engines' own medians will not do: DuckDB's truncates the mean of two
        decimals, Athena's is approximate.
    -#}
    {{ return(adapter.dispatch('exact_medians')(observations, keys, value, counted)) }}
{%- endmacro %}

{% macro default__exact_medians(observations, keys, value, counted) %}
    select
        {{ keys | join(', ') }},
        cast(sum({{ value }}) * case count(*) when 1 then 1.0 else 0.5 end as decimal(18, 6)) as median_{{ value }}

    from (
        select
            {{ keys | join(', ') }},
            {{ value }},
            row_number() over (partition by {{ keys | join(', ') }} order by {{ value }}) as rank_number,
            count(*) over (partition by {{ keys | join(', ') }}) as group_size

        from {{ observations }}

        inner join (select distinct {{ keys | join(', ') }} from {{ counted }}) as counted_keys
            using ({{ keys | join(', ') }})
    ) as ranked

    where 2 * rank_number between group_size and group_size + 2

    group by {{ keys | join(', ') }}
{% endmacro %}

{% macro duckdb__exact_medians(observations, keys, value, counted) %}
    {#-
        quantile_disc picks the value at position ceil(n * q): a half gives the lower middle, a hair more the upper one
        (the same value when n is odd), without sorting. The hair is safe up to a billion values a key.
    -#}
    select
        {{ keys | join(', ') }},
        cast((middle_two[1] + middle_two[2]) * 0.5 as decimal(18, 6)) as median_{{ value }}

    from (
        select
            {{ keys | join(', ') }},
            quantile_disc({{ value }}, [0.5, 0.500000001]) as middle_two

        from {{ observations }}

        semi join {{ counted }} using ({{ keys | join(', ') }})

        group by {{ keys | join(', ') }}
    ) as quantiles
{% endmacro %}
