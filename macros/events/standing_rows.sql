{% macro standing_rows(rows, keys) -%}
    {#-
        The CTEs that end with `standing`, one row per event of `rows`: of the rows with one key the smallest (event_us, sha256
        of the payload) stands, of equal ones that which was received first. `row_count` says how many rows there were,
        `conflict_count` how many of them say something else, `conflicting_payload` what the last of these says, and
        `standing_payload` what stands, where there are any. Only keys that come several times are hashed and sorted.
    -#}
    repeated as (

        select
            {{ keys | join(',\n            ') }},
            count(*) as row_count

        from {{ rows }}

        group by
            {{ keys | join(',\n            ') }}

        having count(*) > 1

    ),

    hashed as (

        select
            {{ rows }}.*,
            repeated.row_count,
            {{ sha256_of(rows ~ '.payload') }} as payload_sha256

        from {{ rows }}

        inner join repeated
            on
                {% for key in keys -%}
                    {{ rows }}.{{ key }} = repeated.{{ key }}{{ ' and ' if not loop.last }}
                {%- endfor %}

    ),

    ranked as (

        select
            *,
            row_number() over (
                partition by {{ keys | join(', ') }}
                order by event_us, payload_sha256, receipt_number, _source, _position
            ) as place,
            first_value(payload_sha256) over (
                partition by {{ keys | join(', ') }}
                order by event_us, payload_sha256, receipt_number, _source, _position
            ) as standing_sha256,
            {%- for column in ['payload', '_source', '_position'] %}
                last_value({{ column }}) over (
                    partition by {{ keys | join(', ') }}
                    order by event_us, payload_sha256, receipt_number, _source, _position
                    rows between unbounded preceding and unbounded following
                ) as last_{{ column.strip('_') }}{{ ',' if not loop.last }}
            {%- endfor %}

        from hashed

    ),

    compared as (

        select
            _source,
            _position,
            place,
            row_count,
            last_payload,
            last_source,
            last_position,
            sum(case when payload_sha256 <> standing_sha256 then 1 else 0 end) over (
                partition by {{ keys | join(', ') }}
            ) as conflict_count

        from ranked

    ),

    standing as (

        select
            {{ rows }}.*,
            coalesce(compared.row_count, 1) as row_count,
            cast(coalesce(compared.conflict_count, 0) as bigint) as conflict_count,
            case when compared.conflict_count > 0 then {{ rows }}.payload end as standing_payload,
            case when compared.conflict_count > 0 then compared.last_payload end as conflicting_payload,
            case when compared.conflict_count > 0 then compared.last_source end as conflicting_source,
            case when compared.conflict_count > 0 then compared.last_position end as conflicting_position

        from {{ rows }}

        left join compared
            on {{ rows }}._source = compared._source and {{ rows }}._position = compared._position

        where compared.place is null or compared.place = 1

    )
{%- endmacro %}
