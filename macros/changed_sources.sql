{% macro of_changed_sources(column='_source') -%}
    {#-
        Whether `column` names a fetch or file whose standing changed since the last complete build: one that came, that was
        replaced, or that a killed build left undone.
    -#}
    {{ return(one_of(column, changed_sources())) }}
{%- endmacro %}

{% macro is_to_be_built(column='_source') -%}
    {#- The same for an incremental model's reading of records; one that is built anew reads all. -#}
    {{ of_changed_sources(column) if is_incremental() else 'true' }}
{%- endmacro %}

{% macro of_changed_dates(column='date') -%}
    {#- Whether `column` is a report day of which a changed fetch or file has records. -#}
    {{ return(one_of(
        column,
        'select distinct date from ' ~ ref('int_delivery_source_days') ~ ' where _source in (' ~ changed_sources() ~ ')'
    )) }}
{%- endmacro %}

{% macro changed_sources() -%}
    {{ return('select distinct _source from ' ~ ref('int_delivery_sources') ~ ' where ' ~ has_changed()) }}
{%- endmacro %}

{% macro remove_changed_sources() -%}
    {#-
        For the hook before an incremental model that then appends what counts of changed sources. A kill between the two
        leaves a gap that the next build fills, since the same sources are then still to be done.
    -#}
    {% if is_incremental() %}delete from {{ this }} where {{ of_changed_sources() }}{% endif %}
{%- endmacro %}

{% macro remove_changed_dates() -%}
    {% if is_incremental() %}delete from {{ this }} where {{ of_changed_dates() }}{% endif %}
{%- endmacro %}

{% macro one_of(column, query) -%}
    {#- Whether `column` is among the values that `query` gives, texts or dates. -#}
    {{ return(adapter.dispatch('one_of')(column, query)) }}
{%- endmacro %}

{% macro default__one_of(column, query) -%}
    {#-
        Athena passes over the files that cannot have a value only when it stands in the statement, where there is room for
        262,144 bytes; and over a thousand of them, hardly any file would be passed over.
    -#}
    {%- set most = 1000 -%}
    {%- set values = run_query(query ~ ' limit ' ~ (most + 1)).columns[0].values() if execute else [] -%}
    {%- set literals = [] -%}
    {%- for value in values -%}
        {%- set text = "'" ~ (value | string | replace("'", "''")) ~ "'" -%}
        {%- do literals.append(text if value is string else 'date ' ~ text) -%}
    {%- endfor -%}
    {%- set listed = literals | join(', ') -%}
    {%- if not values -%}
        {{ return('false') }}
    {%- elif values | length > most or listed | length > 50000 -%}
        {{ return(column ~ ' in (' ~ query ~ ')') }}
    {%- endif -%}
    {{ return(column ~ ' in (' ~ listed ~ ')') }}
{%- endmacro %}

{% macro duckdb__one_of(column, query) -%}
    {{ return(column ~ ' in (' ~ query ~ ')') }}
{%- endmacro %}
