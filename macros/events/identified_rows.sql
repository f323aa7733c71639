{% macro identified_rows(rows, id) -%}
    {#-
        The CTEs that end with `identified`: `rows`, which have a `payload`, with an `event_id`, their own `id` or one made of
        what they say. Of equal rows of a file without an id the second is another event only where the source says so. Rows
        that have an id, nearly all, are not numbered.
    -#}
    numbered as (

        select
            *,
            row_number() over (partition by _source, _dlt_load_id, payload order by _position) as equal_row

        from {{ rows }}

        where {{ id }} is null

    ),

    identified as (

        select
            *,
            cast(1 as bigint) as equal_row,
            {{ id }} as event_id

        from {{ rows }}

        where {{ id }} is not null

        union all

        select
            *,
            {{ made_id('payload', number='case when counts_equal_rows then equal_row else 1 end') }} as event_id

        from numbered

    )
{%- endmacro %}
