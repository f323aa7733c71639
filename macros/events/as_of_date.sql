{% macro as_of_date() -%}
    {#- The report day in which the run started: the only time that models know. -#}
    {%- set as_of = env_var('ADHOUSE_AS_OF', '1970-01-01T00:00:00+00:00') -%}
    cast({{ report_time("timestamp '" ~ as_of[:10] ~ " " ~ as_of[11:19] ~ "'") }} as date)
{%- endmacro %}
