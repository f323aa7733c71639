{% macro opportunity_id(exchange, auction_id, imp_id, event_date) -%}
    {#-
        What tells opportunities apart: an imp id is unique only inside its request, a request's only inside its exchange and UTC
        day. One that no request is known of has its auction and imp alone.
    -#}
    coalesce({{ exchange }}, '') || chr(31) || {{ auction_id }} || chr(31) || {{ imp_id }} || chr(31)
        || coalesce(cast({{ event_date }} as varchar), '')
{%- endmacro %}
