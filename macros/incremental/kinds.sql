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

{% macro leaves_out_events() -%}
    {#-
        Whether the build leaves the tables of events as they are: empty, because there are none, and it takes a second or two
        to say so again, and most of a minute on Athena.
    -#}
    {{ return(env_var('ADHOUSE_LEAVES_OUT_EVENTS', 'false') == 'true') }}
{%- endmacro %}
