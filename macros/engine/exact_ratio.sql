{% macro exact_ratio(numerator, denominator, times=1) -%}
    {#-
        `numerator` / `denominator` * `times`, half up at nine decimals, of decimals with at most six; `denominator` is above
        zero or null. For rates that decide something: a double would, too, but nobody could check it by hand.
    -#}
    {{ return(adapter.dispatch('exact_ratio')(numerator, denominator, times)) }}
{%- endmacro %}

{% macro default__exact_ratio(numerator, denominator, times) -%}
    cast({{ numerator }} * {{ times }} as decimal(38, 9)) / cast({{ denominator }} as decimal(18, 6))
{%- endmacro %}

{% macro duckdb__exact_ratio(numerator, denominator, times) -%}
    {#- In whole numbers, as DuckDB divides decimals as doubles. -#}
    {%- set dividend = "cast(" ~ numerator ~ " * 1000000 as hugeint) * " ~ 1000000000 * times -%}
    {%- set divisor = "cast(" ~ denominator ~ " * 1000000 as hugeint)" -%}
    cast(
        (2 * {{ dividend }} + sign({{ numerator }}) * {{ divisor }}) // (2 * {{ divisor }}) as decimal(38, 0)
    ) * cast(0.000000001 as decimal(10, 9))
{%- endmacro %}
