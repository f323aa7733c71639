{% macro has_unit_days(kind) -%}
    {#-
        Whether int_unit_days decides what counts of this kind day by day, because days of it can be replaced. What became of
        events is counted file by file, in int_event_units; of any other kind there are no models, and the balance counts its
        records as the ledger does.
    -#}
    {{ kind }} in ('campaign_delivery')
{%- endmacro %}

{% macro event_models() -%}
    {#- Each kind of events, and the model that has one row for each of them. -#}
    {{ return({
        'impressions': 'int_impressions',
        'clicks': 'int_clicks',
        'conversions': 'int_conversions',
        'bid_requests': 'int_bid_requests',
        'bids': 'int_bids',
    }) }}
{%- endmacro %}

{% macro is_left_out(node) -%}
    {#-
        Whether the build leaves out a model or test on purpose, since there are no events: tests of empty tables, and the
        tables too once they are there. It takes a second or two to make them again, and most of a minute on Athena.
    -#}
    {%- set left_out = env_var('ADHOUSE_LEAVES_OUT_EVENTS', 'nothing') -%}
    {{ return('events' in node.fqn and (left_out == 'all' or (left_out == 'tests' and node.resource_type == 'test'))) }}
{%- endmacro %}
