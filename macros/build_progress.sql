{#
    How an incremental build knows what it still has to do. int_delivery_sources notes with each fetch and file the number
    of the build in which its standing last changed; build_progress holds the numbers of the builds whose incremental
    models all came to their end. What changed in a build that is not complete is taken up again by the next one, so a
    build that was killed anywhere is healed by running it again, and doing a change twice changes nothing.
#}

{% macro build_progress() -%}
    {{ return(api.Relation.create(database=target.database, schema=schema_of_layer('intermediate'), identifier='build_progress')) }}
{%- endmacro %}

{% macro completed_build() -%}
    (select coalesce(max(completed_build), 0) from {{ build_progress() }})
{%- endmacro %}

{% macro has_changed() -%}
    changed_in_build > {{ completed_build() }}
{%- endmacro %}

{% macro is_to_be_built() -%}
    {#- For an incremental model's reading of int_delivery_sources: what changed, or all when it is built anew. -#}
    {{ has_changed() if is_incremental() else 'true' }}
{%- endmacro %}

{% macro is_to_be_appended(sources) -%}
    {#-
        The same for a model whose rows never change and are kept for good: what a killed build appended already is passed
        over, and was appended whole.
    -#}
    {%- if is_incremental() -%}
        {{ has_changed() }}
        and not exists (
            select 1 from (select distinct _source, _dlt_load_id from {{ this }}) as appended
            where appended._source = {{ sources }}._source and appended._dlt_load_id = {{ sources }}._dlt_load_id
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro create_build_progress() %}
    {% if execute %}
        {% do adapter.create_schema(build_progress()) %}
        {% do run_query(build_progress_definition()) %}
    {% endif %}
{% endmacro %}

{% macro build_progress_definition() %}
    {{ return(adapter.dispatch('build_progress_definition')()) }}
{% endmacro %}

{% macro default__build_progress_definition() %}
    {#- An Iceberg table, so that a number is there whole or not at all. -#}
    create table if not exists {{ build_progress().render_hive() }} (completed_build bigint)
    location '{{ adapter.generate_s3_location(build_progress(), target.s3_data_dir, target.s3_data_naming) }}'
    tblproperties ('table_type' = 'iceberg')
{% endmacro %}

{% macro duckdb__build_progress_definition() %}
    create table if not exists {{ build_progress() }} (completed_build bigint)
{% endmacro %}

{% macro complete_build(results) %}
    {% if execute %}
        {% set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.unique_id') | list %}
        {% set left_out = [] %}
        {% for node in graph.nodes.values() %}
            {% if node.config.materialized == 'incremental' and node.unique_id not in built %}
                {% do left_out.append(node.name) %}
            {% endif %}
        {% endfor %}
        {% if not left_out %}
            {% set sources = api.Relation.create(database=target.database, schema=schema_of_layer('intermediate'), identifier='int_delivery_sources') %}
            {% do run_query(
                'insert into ' ~ build_progress() ~ ' select max(changed_in_build) from ' ~ sources
                ~ ' having max(changed_in_build) > ' ~ completed_build()
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}

{% macro merge_where_changed(marker, columns) %}
    {#-
        How a merge is configured that writes only rows whose value changed. A row whose `marker` column is null says that
        its key has no row any more.
    -#}
    {{ return(adapter.dispatch('merge_where_changed')(marker, columns)) }}
{% endmacro %}

{% macro default__merge_where_changed(marker, columns) %}
    {{ return({
        'delete_condition': 'src.' ~ marker ~ ' is null',
        'update_condition': '(' ~ any_differs('src', 'target', columns) ~ ')',
        'insert_condition': 'src.' ~ marker ~ ' is not null',
    }) }}
{% endmacro %}

{% macro duckdb__merge_where_changed(marker, columns) %}
    {{ return({
        'merge_clauses': {
            'when_matched': [
                {'action': 'delete', 'condition': 'DBT_INTERNAL_SOURCE.' ~ marker ~ ' is null'},
                {
                    'action': 'update',
                    'mode': 'by_name',
                    'condition': any_differs('DBT_INTERNAL_SOURCE', 'DBT_INTERNAL_DEST', columns),
                },
            ],
            'when_not_matched': [
                {'action': 'insert', 'mode': 'by_name', 'condition': 'DBT_INTERNAL_SOURCE.' ~ marker ~ ' is not null'},
            ],
        },
    }) }}
{% endmacro %}

{% macro any_differs(one, other, columns) %}
    {% set differs = [] %}
    {% for column in columns %}
        {% do differs.append(one ~ '.' ~ column ~ ' is distinct from ' ~ other ~ '.' ~ column) %}
    {% endfor %}
    {{ return(differs | join(' or ')) }}
{% endmacro %}
