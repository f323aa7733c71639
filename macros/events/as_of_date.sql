{% macro as_of_date() -%}
    {#- The report day in which the run started: the only time that models know. -#}
    {#- Read only when dbt runs: else it would parse the project anew each day. -#}
    {%- set long_ago = '1970-01-01T00:00:00+00:00' -%}
    {%- set as_of = env_var('ADHOUSE_AS_OF', long_ago) if execute else long_ago -%}
    cast({{ report_time("timestamp '" ~ as_of[:10] ~ " " ~ as_of[11:19] ~ "'") }} as date)
{%- endmacro %}
