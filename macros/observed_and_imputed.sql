{#
    Any new day may move any median, and with it a group of each day there ever was. DuckDB merges the sums that changed into
    the marts, which costs it little. Athena would read all files of a mart for that, and bills by what it reads; so there
    the sums of what is observed, which change only with a fetch or file, are kept apart from what is imputed, a few records
    that each build writes anew, and a mart that has both is a view of the two. For the same reason the spends that medians
    need have a narrow table of their own there.
#}

{% macro merged(unique_key) -%}
    {#-
        The configuration of a mart that sums observed and imputed records. Where it is a table, a merge writes the groups
        whose sums changed, inserts new ones, and takes out those whose key comes with nulls.
    -#}
    {{ return(adapter.dispatch('merged')(unique_key)) }}
{%- endmacro %}

{% macro default__merged(unique_key) -%}
    {{ return({'materialized': 'view'}) }}
{%- endmacro %}

{% macro duckdb__merged(unique_key) -%}
    {% set differs = [] %}
    {% for column in ['impressions', 'clicks', 'conversions', 'spend'] %}
        {% do differs.append('DBT_INTERNAL_SOURCE.' ~ column ~ ' is distinct from DBT_INTERNAL_DEST.' ~ column) %}
    {% endfor %}
    {{ return({
        'materialized': 'incremental',
        'incremental_strategy': 'merge',
        'unique_key': unique_key,
        'merge_clauses': {
            'when_matched': [
                {'action': 'delete', 'condition': 'DBT_INTERNAL_SOURCE.impressions is null'},
                {'action': 'update', 'mode': 'by_name', 'condition': differs | join(' or ')},
            ],
            'when_not_matched': [
                {'action': 'insert', 'mode': 'by_name', 'condition': 'DBT_INTERNAL_SOURCE.impressions is not null'},
            ],
        },
    }) }}
{%- endmacro %}

{% macro kept_apart(remove, by_month=true, where_together=none) -%}
    {#-
        The configuration of a model that has something of the observed records alone, where that is kept apart: a table, by
        month or whole, because a partition a day would be mostly small files. `remove` names the hook that takes out what is
        then appended anew. Where it is not, the model is what `where_together` says, or not there.
    -#}
    {{ return(adapter.dispatch('kept_apart')(remove, by_month, where_together)) }}
{%- endmacro %}

{% macro default__kept_apart(remove, by_month, where_together) -%}
    {{ return({
        'materialized': 'incremental',
        'incremental_strategy': 'append',
        'partitioned_by': ['month(date)'] if by_month else none,
        'pre_hook': '{{ ' ~ remove ~ '() }}',
    }) }}
{%- endmacro %}

{% macro duckdb__kept_apart(remove, by_month, where_together) -%}
    {{ return({'materialized': where_together} if where_together else {'enabled': false}) }}
{%- endmacro %}

{% macro observed_with_imputed(apart, together, columns) -%}
    {#-
        Where deliveries are read from, with `columns` and perhaps more: the model `together`, or, where they are kept
        apart, the model `apart` and the imputed records.
    -#}
    {{ return(adapter.dispatch('observed_with_imputed')(apart, together, columns)) }}
{%- endmacro %}

{% macro default__observed_with_imputed(apart, together, columns) %}
    select {{ columns | join(', ') }} from {{ ref(apart) }}

    union all

    select {{ columns | join(', ') }} from {{ ref('int_deliveries_imputed') }}
{% endmacro %}

{% macro duckdb__observed_with_imputed(apart, together, columns) -%}
    select * from {{ ref(together) }}
{%- endmacro %}
