{% macro is_future(event_us, is_whole_day, received_at) -%}
    {#- Whether an event lies later than its receipt allows; a date without a time counts as its beginning. -#}
    {{ utc_time(event_us ~ ' - case when ' ~ is_whole_day ~ ' then 86399000000 else 0 end') }}
            > {{ received_at }} + interval '{{ var("event_future_tolerance_minutes") }}' minute
{%- endmacro %}
