{% macro kpis() -%}
    {#- The metrics of a campaign's day that are watched. -#}
    {{ return(['impressions', 'clicks', 'conversions', 'spend', 'ctr', 'cpm', 'cpc', 'cvr', 'cpa']) }}
{%- endmacro %}
