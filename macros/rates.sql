{# A rate is a ratio of sums, as a double; money is cast from decimal only here, at the very end. #}

{% macro ratio(numerator, denominator, times=1) -%}
    {#- Null where the denominator is zero or null: a rate of nothing is not zero, it is unknown. -#}
    cast({{ numerator }} as double) / cast(nullif({{ denominator }}, 0) as double){{ ' * ' ~ times if times != 1 }}
{%- endmacro %}

{% macro ratio_or_zero(numerator, denominator, times=1) -%}
    {#- The four delivery marts show 0 where the denominator is zero, because their readers add and sort these columns. -#}
    case when {{ denominator }} = 0 then 0 else {{ ratio(numerator, denominator, times) }} end
{%- endmacro %}
