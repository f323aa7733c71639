{% macro has_models(kind) -%}
    {#-
        Whether there are models for records of this kind. Records of any other kind are in raw only, and the balance counts
        them as the ledger does. A new kind with models joins this list, the unions of int_unit_days_counted and source_balances,
        and the test assert_every_unit_has_the_rows_of_its_balance.
    -#}
    {{ kind }} in ('campaign_delivery')
{%- endmacro %}
