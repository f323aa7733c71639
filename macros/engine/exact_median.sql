{% macro exact_median(value) -%}
    {#-
        An aggregate: the exact median of `value`, which must not be null: the middle one, or the mean of the two in the
        middle, half up at six decimals. The engines' own will not do: DuckDB's truncates the mean of two decimals, Athena's
        is approximate.
    -#}
    {{ return(adapter.dispatch('exact_median')(value)) }}
{%- endmacro %}

{% macro default__exact_median(value) -%}
    cast(
        (
            (array_agg({{ value }} order by {{ value }}))[cast(ceil(count(*) / 2.0) as bigint)]
            + (array_agg({{ value }} order by {{ value }}))[cast(floor(count(*) / 2.0) as bigint) + 1]
        ) * 0.5 as decimal(18, 6)
    )
{%- endmacro %}

{% macro duckdb__exact_median(value) -%}
    {#-
        quantile_disc picks the value at position ceil(n * q) without sorting: a half gives the lower middle, a hair more
        the upper one (the same value when n is odd). The hair is safe up to a billion values a group.
    -#}
    cast(list_sum(quantile_disc({{ value }}, [0.5, 0.500000001])) * 0.5 as decimal(18, 6))
{%- endmacro %}
