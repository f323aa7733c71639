{% macro warehouse_currency() -%}
    {#- The code of the currency of every sum, into which all others are converted. -#}
    {{ return(var('currency', env_var('ADHOUSE_CURRENCY', 'USD'))) }}
{%- endmacro %}
