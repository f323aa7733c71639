{#
    Times of events are whole microseconds since 1970 (UTC): both engines compare and subtract them alike, and a Hive table
    on Athena would keep milliseconds only. These macros make of them what people read.
#}

{% macro whole_units(number, unit) -%}
    {#- How many whole units a number that is not negative has. -#}
    {{ return(adapter.dispatch('whole_units')(number, unit)) }}
{%- endmacro %}

{% macro default__whole_units(number, unit) -%}
    ({{ number }} / {{ unit }})
{%- endmacro %}

{% macro duckdb__whole_units(number, unit) -%}
    ({{ number }} // {{ unit }})
{%- endmacro %}

{% macro utc_time(microseconds) -%}
    {#- The timestamp, UTC, of microseconds since 1970. -#}
    {{ return(adapter.dispatch('utc_time')(microseconds)) }}
{%- endmacro %}

{% macro default__utc_time(microseconds) -%}
    {#- Nanoseconds of the year 9999 do not fit into a bigint, and a log with one bad year must not end a build. -#}
    cast(from_unixtime_nanos(cast({{ microseconds }} as decimal(38, 0)) * 1000) as timestamp(6))
{%- endmacro %}

{% macro duckdb__utc_time(microseconds) -%}
    make_timestamp({{ microseconds }})
{%- endmacro %}

{% macro utc_date(microseconds) -%}
    {#- The UTC date of microseconds since 1970. -#}
    cast({{ utc_time(microseconds) }} as date)
{%- endmacro %}

{% macro report_time(timestamp) -%}
    {#- What clocks of the report time zone show at a UTC timestamp. -#}
    {%- set zone = env_var('ADHOUSE_REPORT_TIMEZONE', 'UTC') -%}
    {{ return(timestamp if zone == 'UTC' else local_time(timestamp, "'" ~ zone ~ "'")) }}
{%- endmacro %}

{% macro local_time(timestamp, zone) -%}
    {#- What clocks of a time zone, an IANA name, show at a UTC timestamp. -#}
    {{ return(adapter.dispatch('local_time')(timestamp, zone)) }}
{%- endmacro %}

{% macro default__local_time(timestamp, zone) -%}
    cast(at_timezone(with_timezone({{ timestamp }}, 'UTC'), {{ zone }}) as timestamp(6))
{%- endmacro %}

{% macro duckdb__local_time(timestamp, zone) -%}
    timezone({{ zone }}, timezone('UTC', {{ timestamp }}))
{%- endmacro %}

{% macro report_date(microseconds) -%}
    {#- The report day of microseconds since 1970. -#}
    cast({{ report_time(utc_time(microseconds)) }} as date)
{%- endmacro %}

{% macro report_hour_of(timestamp) -%}
    {#- The UTC timestamp at which the hour began that clocks of the report time zone show at a UTC timestamp. -#}
    {%- set shown = report_time(timestamp) -%}
    date_trunc('second', {{ timestamp }})
            - extract(minute from {{ shown }}) * interval '1' minute - extract(second from {{ shown }}) * interval '1' second
{%- endmacro %}

{% macro sha256_of(text) -%}
    {#- The sha256 of a text's UTF-8, as 64 lower-case hex digits. -#}
    {{ return(adapter.dispatch('sha256_of')(text)) }}
{%- endmacro %}

{% macro default__sha256_of(text) -%}
    lower(to_hex(sha256(to_utf8({{ text }}))))
{%- endmacro %}

{% macro duckdb__sha256_of(text) -%}
    sha256({{ text }})
{%- endmacro %}
