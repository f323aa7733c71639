{#
    What else incremental models of events have to look at, beside the days of macros/incremental/changes.sql. A list of days
    may leave out what need not be read; what a row says never depends on it.
#}

{% macro is_within_changed_days(microseconds, kind) -%}
    {#-
        Whether a time, in microseconds since 1970, lies between the first changed day and the last. It says nothing that
        `is_changed` does not; but a Parquet file is skipped by what it has a column of.
    -#}
    {%- set query -%}
        select min(days.date), max(days.date) from ({{ changed_values('date', kind) }}) as days
        where days.date > date '1970-01-01'  -- of records that count for no day
    {%- endset -%}
    {%- set days = run_query(query).rows[0].values() if execute and is_incremental() else [none, none] -%}
    {%- if days[0] is none -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set first = (days[0] - modules.datetime.date(1970, 1, 1)).days -%}
    {%- set end = (days[1] - modules.datetime.date(1970, 1, 1)).days + 1 -%}
    {{ return(microseconds ~ ' >= ' ~ first * 86400000000 ~ ' and ' ~ microseconds ~ ' < ' ~ end * 86400000000) }}
{%- endmacro %}

{% macro changed_auctions() -%}
    {#- The auctions of which a record came or went since the last complete build. -#}
    {%- set query -%}
        select auction_id from {{ ref('base_bids__records') }}
        where auction_id is not null and {{ has_changed_value('_source', kind='bids') }}
    {%- endset -%}
    {{ return(query) }}
{%- endmacro %}

{% macro is_in_changed_auction(column) -%}
    {#- Whether `column` is an auction of which a record came or went; in a full build each is. -#}
    {%- set condition = column ~ ' in (' ~ changed_auctions() ~ ')' -%}
    {{ return(condition if is_incremental() else 'true') }}
{%- endmacro %}

{% macro delete_changed_auctions() -%}
    {#- For the hook before an incremental model of auctions, as `delete_changed`. -#}
    {% if is_incremental() %}delete from {{ this }} where {{ is_in_changed_auction('auction_id') }}{% endif %}
{%- endmacro %}

{% macro delete_changed_events() -%}
    {#- For the hook before an incremental model that has records of all kinds of events, as `delete_changed`. -#}
    {% if is_incremental() %}
        delete from {{ this }} where false
        {%- for kind in event_models() %}
            or (kind = '{{ kind }}' and {{ has_changed_value('_source', kind) }})
        {%- endfor %}
    {% endif %}
{%- endmacro %}

{% macro delete_changed_periods() -%}
    {#- For the hook before reach_frequency: its changed days and weeks, and all flights. -#}
    {% if is_incremental() %}
        delete from {{ this }}
        where
            period = 'flight'
            or (period = 'day' and {{ in_values('period_start', changed_values('report_date', kind='ad_events')) }})
            or (period = 'week' and {{ in_values('period_start', changed_values('week_start', kind='ad_events')) }})
    {% endif %}
{%- endmacro %}
