{% macro warehouse_currency() -%}
    {#- The code of the currency of every sum, into which all others are converted. -#}
    {{ return(var('currency', env_var('ADHOUSE_CURRENCY', 'USD'))) }}
{%- endmacro %}

{% macro is_no_currency(code) -%}
    {#- Whether a code is not three letters. -#}
    length({{ code }}) <> 3 or translate({{ code }}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '') <> ''
{%- endmacro %}

{% macro converted_price(price, currency, rate) -%}
    {#-
        A price in the warehouse's currency, half up at six decimals; null where there is no rate. One factor has 19 digits,
        as DuckDB keeps the product of two with 18 in 18.
    -#}
    case
        when {{ currency }} is null or {{ currency }} = '{{ warehouse_currency() }}' then {{ price }}
        else cast(
            try_cast({{ price }} as decimal(18, 6)) * cast({{ rate }} as decimal(19, 9)) as decimal(38, 6)
        )
    end
{%- endmacro %}
