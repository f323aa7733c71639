{#
    What an incremental model has to look at: the units and days of which int_unit_days says that they changed since the last
    complete build. A unit is one fetch or file; `kind` is what its records are, such as 'campaign_delivery'. Days of events are
    UTC days; of the kind 'ad_events' are those of impressions of which anything changed, and their report days and weeks.
#}

{% macro is_changed(column, kind) -%}
    {#-
        Whether `column`, a `_source` or a `date`, has changed since the last complete build; in a full build everything has.
        For the `where` of every incremental model.
    -#}
    {%- set condition = has_changed_value(column, kind) -%}
    {{ return(condition if is_incremental() else 'true') }}
{%- endmacro %}

{% macro delete_changed(column, kind, condition='true') -%}
    {#-
        For the hook before an incremental model that appends what changed: removes the older rows first. A kill between the
        two leaves a gap that the next build fills, because the same units are then still to be done. `condition` says which
        rows of the changed units or days, if not all.
    -#}
    {% if is_incremental() %}delete from {{ this }} where {{ has_changed_value(column, kind) }} and {{ condition }}{% endif %}
{%- endmacro %}

{% macro is_pending(column, kind) -%}
    {#-
        For a data test of what only the changed units or days of a model can break: whether `column`, a `_source` or a
        `date`, is one that the build in progress changes. In a full refresh, and in a `dbt test` by hand, everything is.
    -#}
    {%- set query = changed_values(column, kind) -%}
    {%- set values = few_values(query) if execute and flags.WHICH == 'build' and not flags.FULL_REFRESH else [] -%}
    {{ return(is_among(column, query, values) if values else 'true') }}
{%- endmacro %}

{% macro has_changed_value(column, kind) -%}
    {{ return(in_values(column, changed_values(column, kind))) }}
{%- endmacro %}

{% macro changed_values(column, kind) -%}
    {%- set name = column.split('.') | last -%}
    {%- if kind == 'ad_events' -%}
        {{ return('select distinct ' ~ ('report_date' if name == 'date' else name) ~ ' from ' ~ ref('int_event_days_changed')) }}
    {%- endif -%}
    {%- set query -%}
        select distinct {{ 'date' if name == 'event_date' else name }} from {{ ref('int_unit_days') }}
        where kind = '{{ kind }}' and changed_in_build > {{ completed_build() }}
    {%- endset -%}
    {{ return(query) }}
{%- endmacro %}

{% macro in_values(column, query) -%}
    {#- Whether `column` is among the texts or dates that `query` returns; for the `where` of an incremental model. -#}
    {{ return(is_among(column, query, few_values(query) if execute and is_incremental() else [])) }}
{%- endmacro %}

{% macro is_source_among(query, kinds) -%}
    {#-
        For each kind of records whether a `_source` is among those that `query`, of kinds and sources, returns of it; in a full
        build it is.
    -#}
    {%- set found = {} -%}
    {%- set rows = run_query(query ~ ' limit 1001').rows if execute and is_incremental() else [] -%}
    {%- for kind in kinds -%}
        {%- set of_kind = 'select _source from (' ~ query ~ ") as uncounted where kind = '" ~ kind ~ "'" -%}
        {%- set values = rows | selectattr('kind', 'equalto', kind) | map(attribute='_source') | list -%}
        {%- if not is_incremental() -%}
            {%- do found.update({kind: 'true'}) -%}
        {%- elif rows | length > 1000 -%}
            {%- do found.update({kind: '_source in (' ~ of_kind ~ ')'}) -%}
        {%- else -%}
            {%- do found.update({kind: is_among('_source', of_kind, values)}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro few_values(query) -%}
    {#- The texts or dates that `query` returns: all of them up to a thousand, else a thousand and one. -#}
    {{ return(run_query(query ~ ' limit 1001').columns[0].values()) }}
{%- endmacro %}

{% macro is_among(column, query, values) -%}
    {#-
        Whether `column` is among the `values` that `query` returns. They are written into the statement, because
        Athena skips a file only by values that it knows when it plans a query. A statement has room for 262,144 bytes, and
        with more than a thousand values hardly any file is skipped: then the query itself stands there.
    -#}
    {%- set literals = [] -%}
    {%- for value in values -%}
        {%- set text = "'" ~ (value | string | replace("'", "''")) ~ "'" -%}
        {%- do literals.append(text if value is string else 'date ' ~ text) -%}
    {%- endfor -%}
    {%- set listed = literals | join(', ') -%}
    {%- if not values -%}
        {{ return('false') }}
    {%- elif values | length > 1000 or listed | length > 50000 -%}
        {{ return(column ~ ' in (' ~ query ~ ')') }}
    {%- endif -%}
    {{ return(column ~ ' in (' ~ listed ~ ')') }}
{%- endmacro %}
