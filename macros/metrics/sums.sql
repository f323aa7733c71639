{% macro metric_sums(prefix='') -%}
    {#- The sums of the four measures, in types that hold any sum; `prefix` is what their names begin with. -#}
    cast(sum(impressions) as bigint) as {{ prefix }}impressions,
    cast(sum(clicks) as bigint) as {{ prefix }}clicks,
    cast(sum(conversions) as decimal(38, 6)) as {{ prefix }}conversions,
    cast(sum(spend) as decimal(38, 6)) as {{ prefix }}spend
{%- endmacro %}
