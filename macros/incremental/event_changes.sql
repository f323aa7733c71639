{#
    What else incremental models of events have to look at, beside the days of macros/incremental/changes.sql. A list of days
    may leave out what need not be read; what a row says never depends on it.
#}

{% macro is_within_changed_days(microseconds, kind) -%}
    {#-
        Whether a time, in microseconds since 1970, lies between the first changed day and the last. It says nothing that
        `is_changed_impression` does not; but a Parquet file is skipped by what it has a column of.
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

{% macro changed_impressions() -%}
    {#- Day and id of the impressions of which a record came or went since the last complete build. -#}
    {%- set query -%}
        select event_date as changed_date, impression_id as changed_id from {{ ref('int_impression_records') }}
        where {{ has_changed_value('_source', kind='impressions') }}
    {%- endset -%}
    {{ return(query) }}
{%- endmacro %}

{% macro is_changed_impression() -%}
    {#- Whether a row is of one of them; in a full build each is. A day's file brings a few late records of many days. -#}
    {%- set condition = is_impression_among(changed_impressions()) -%}
    {{ return(condition if is_incremental() else 'true') }}
{%- endmacro %}

{% macro is_changed_ad_event() -%}
    {#- Whether a row is of an impression of which anything changed; in a full build each is. -#}
    {%- set condition = is_impression_among(
        'select event_date as changed_date, impression_id as changed_id from ' ~ ref('int_impressions_changed')
    ) -%}
    {{ return(condition if is_incremental() else 'true') }}
{%- endmacro %}

{% macro is_impression_among(query) -%}
    {#- Whether a row's day and id are a `changed_date` and `changed_id` of the query. -#}
    exists (select 1 from ({{ query }}) as changed where changed_date = event_date and changed_id = impression_id)
{%- endmacro %}

{% macro is_in_file_of_changed_impression() -%}
    {#- What need not be read to find the records of a changed impression: files and fetches that have none of any. -#}
    {%- set query -%}
        select distinct _source from {{ ref('int_impression_records') }}
        where {{ has_changed_value('event_date', kind='impressions') }} and {{ is_changed_impression() }}
    {%- endset -%}
    {%- if not is_incremental() -%}
        {{ return('true') }}
    {%- elif has_changed_value('_source', kind='impressions') == 'false' -%}
        {{ return('false') }}
    {%- endif -%}
    {{ return(in_values('_source', query)) }}
{%- endmacro %}

{% macro is_on_day_of_changed_flood(column) -%}
    {#- What need not be read to find the impressions of a flood that came, changed or ended: days without one. -#}
    {%- set query -%}
        select distinct event_date from {{ ref('int_impressions_flooded') }} where changed_in_build > {{ completed_build() }}
    {%- endset -%}
    {{ return(in_values(column, query) if is_incremental() else 'true') }}
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

{% macro is_on_day_of_conflicts(kind) -%}
    {#- Whether the conflicts of a row's day are looked for again: of what is kept by day, those of days that change. -#}
    {{ return(is_changed('event_date', kind) if kind in ('impressions', 'bid_requests') else 'true') }}
{%- endmacro %}

{% macro delete_changed_conflicts() -%}
    {#- For the hook before event_conflicts, as `delete_changed`. -#}
    {% if is_incremental() %}
        delete from {{ this }} where false
        {%- for kind in ['impressions', 'bid_requests', 'clicks', 'conversions'] %}
            or (kind = '{{ kind }}' and {{ is_on_day_of_conflicts(kind) }})
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

{% macro is_within_changed_weeks(column) -%}
    {#- Whether a report day lies between the first changed week and the last: what need not be read. -#}
    {%- set query -%}
        select min(week_start), cast(max(week_start) + interval '6' day as date) from {{ ref('int_event_days_changed') }}
    {%- endset -%}
    {{ return(is_between(column, query)) }}
{%- endmacro %}

{% macro is_within_flights(column) -%}
    {#- Whether a report day lies between the begin of the first flight and the end of the last: what need not be read. -#}
    {{ return(is_between(column, 'select min(flight_start), max(flight_end) from ' ~ ref('stg_campaign_targets__flights'))) }}
{%- endmacro %}

{% macro is_between(column, query) -%}
    {#- Whether a day lies between the two that a query returns, written into the statement; if there are none, it does not. -#}
    {%- if not (execute and is_incremental()) -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set days = run_query(query).rows[0].values() -%}
    {{ return('false' if days[0] is none else column ~ " between date '" ~ days[0] ~ "' and date '" ~ days[1] ~ "'") }}
{%- endmacro %}

{% macro changed_click_days() -%}
    {#-
        The UTC days of clicks of which the impression has to be looked for again: those of clicks that came, went or were read
        again, and those of changed impressions with the days before and after. For int_clicks_matched, which is compared with
        int_clicks, so that a build that was killed between deleting and inserting is healed.
    -#}
    {%- set query -%}
        select clicks.event_date from {{ ref('int_clicks') }} as clicks
        left join {{ this }} as known
            on clicks.click_id = known.click_id and clicks._source = known._source and clicks._position = known._position
        where known.click_id is null or {{ has_changed_value('clicks._source', kind='clicks') }}
        union
        select known.event_date from {{ this }} as known
        left join {{ ref('int_clicks') }} as clicks
            on clicks.click_id = known.click_id and clicks._source = known._source and clicks._position = known._position
        where clicks.click_id is null or {{ has_changed_value('known._source', kind='clicks') }}
        {%- for days in (-1, 0, 1) %}
            union
            select cast(days.date + interval '{{ days }}' day as date)
            from ({{ changed_values('date', kind='impressions') }}) as days
        {%- endfor %}
    {%- endset -%}
    {{ return(query) }}
{%- endmacro %}

{% macro is_on_changed_click_day(column) -%}
    {#- Whether `column` is one of them; in a full build each day is. -#}
    {%- set condition = in_values(column, changed_click_days()) -%}
    {{ return(condition if is_incremental() else 'true') }}
{%- endmacro %}

{% macro is_near_changed_click_day(column) -%}
    {#- Whether `column` lies between the day before the first of them and the day after the last: what need not be read. -#}
    {%- set query -%}
        select
            cast(min(days.event_date) - interval '1' day as date),
            cast(max(days.event_date) + interval '1' day as date)
        from ({{ changed_click_days() }}) as days (event_date)
        where days.event_date > date '1970-01-02'  -- the first day, of records that count for none, and its neighbours
    {%- endset -%}
    {{ return(is_between(column, query)) }}
{%- endmacro %}

{% macro delete_changed_clicks() -%}
    {#- For the hook before int_clicks_matched, as `delete_changed`. -#}
    {% if is_incremental() %}delete from {{ this }} where {{ is_on_changed_click_day('event_date') }}{% endif %}
{%- endmacro %}

{% macro changed_touch_days() -%}
    {#- The UTC days of impressions that are looked at again for whether they may have led to a conversion. -#}
    {%- set query -%}
        select days.date as event_date from ({{ changed_values('date', kind='impressions') }}) as days
        {%- for days in range(var('view_lookback_days') + 1) %}
            union
            select cast(days.date - interval '{{ days }}' day as date)
            from ({{ changed_values('date', kind='conversions') }}) as days
        {%- endfor %}
    {%- endset -%}
    {{ return(query) }}
{%- endmacro %}

{% macro is_on_changed_touch_day(column) -%}
    {#- Whether `column` is one of them; in a full build each day is. -#}
    {%- set condition = in_values(column, changed_touch_days()) -%}
    {{ return(condition if is_incremental() else 'true') }}
{%- endmacro %}

{% macro delete_changed_touch_days() -%}
    {#- For the hook before int_impressions_before_conversions, as `delete_changed`. -#}
    {% if is_incremental() %}delete from {{ this }} where {{ is_on_changed_touch_day('event_date') }}{% endif %}
{%- endmacro %}
