{# A rate is a ratio of sums, as a double; money is cast from decimal only here, at the very end. #}

{% macro ratio(numerator, denominator, times=1) -%}
    {#- Null where the denominator is zero or null: a rate of nothing is not zero, it is unknown. -#}
    cast({{ numerator }} as double) / cast(nullif({{ denominator }}, 0) as double){{ ' * ' ~ times if times != 1 }}
{%- endmacro %}

{% macro ratio_or_zero(numerator, denominator, times=1) -%}
    {#- The four delivery marts show 0 where the denominator is zero, because their readers add and sort these columns. -#}
    case when {{ denominator }} = 0 then 0 else {{ ratio(numerator, denominator, times) }} end
{%- endmacro %}

{% macro delivery_rates(prefix='') -%}
    {#- The four rates of a delivery mart, from its sums; `prefix` is what the names of the sums begin with. -#}
    {{ ratio_or_zero(prefix ~ 'clicks', prefix ~ 'impressions') }} as ctr,
    {{ ratio_or_zero(prefix ~ 'spend', prefix ~ 'clicks') }} as cpc,
    {{ ratio_or_zero(prefix ~ 'spend', prefix ~ 'impressions', times=1000) }} as cpm,
    {{ ratio_or_zero(prefix ~ 'conversions', prefix ~ 'clicks') }} as conversion_rate
{%- endmacro %}
