{% macro has_unit_days(kind) -%}
    {#-
        Whether int_unit_days counts records of this kind day by day, because days of it can be replaced. Events are counted
        file by file, in int_event_units; of any other kind there are no models, and the balance counts its records as the
        ledger does.
    -#}
    {{ kind }} in ('campaign_delivery')
{%- endmacro %}

{% macro event_models() -%}
    {#- Each kind of events, and the model that has one row for each of them. -#}
    {{ return({
        'impressions': 'int_impressions',
        'clicks': 'int_clicks',
        'conversions': 'int_conversions',
        'bids': 'int_bids',
    }) }}
{%- endmacro %}

{% macro has_events() -%}
    {#-
        Whether the models of events are built; by adhouse only once there is an event, because they take a second or two, and
        most of a minute on Athena. Asked when dbt runs, so that the parsed project is the same.
    -#}
    {{ return(env_var('ADHOUSE_HAS_EVENTS', 'true') == 'true' if execute else true) }}
{%- endmacro %}
