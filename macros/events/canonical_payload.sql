{% macro canonical_payload(columns) -%}
    {#-
        What an event says, as one text: its fields in their order, U+001F between them, a missing one empty. In one call,
        because `||` copies for each field all that stands before it.
    -#}
    concat_ws(
            chr(31),
            {%- for column in columns %}
            coalesce(cast({{ column }} as varchar), ''){{ ',' if not loop.last }}
            {%- endfor %}
        )
{%- endmacro %}

{% macro made_id(payload, number) -%}
    {#-
        The id of an event whose log gives it none: made of what it says, so that the same log delivered twice counts once.
        `number` is that of an event among equal ones of its file, where equal rows are different events.
    -#}
    {%- set numbered = payload ~ " || case when " ~ number ~ " > 1 then chr(31) || cast(" ~ number ~ " as varchar) else '' end" -%}
    'h_' || substr({{ sha256_of(numbered) }}, 1, 32)
{%- endmacro %}
