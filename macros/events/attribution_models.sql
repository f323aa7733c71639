{% macro attribution_models() -%}
    {#- The columns of credit, one an attribution model; the first is the default. -#}
    {{ return(['last_click_else_view', 'first_touch', 'last_touch', 'linear', 'time_decay', 'position']) }}
{%- endmacro %}

{% macro as_credit(units) -%}
    {#- Whole units of 10^-12 as a decimal: 10^12 of them are one conversion. -#}
    cast(cast({{ units }} as decimal(18, 0)) * cast(0.000000000001 as decimal(12, 12)) as decimal(18, 12))
{%- endmacro %}
