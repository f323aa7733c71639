-- Each attribution model gives each conversion away exactly once, and no conversion is lost.
with

attributed as (

    select
        conversion_type,
        conversion_id,
        {%- for model in attribution_models() %}
            sum({{ model }}) as {{ model }},
        {%- endfor %}
        count(*) as touches

    from {{ ref('attributed_conversions') }}

    group by
        conversion_type,
        conversion_id

),

conversions as (

    select * from {{ ref('int_conversions') }}

)

select
    conversions.conversion_type,
    conversions.conversion_id

from conversions

left join attributed
    on
        conversions.conversion_type = attributed.conversion_type
        and conversions.conversion_id = attributed.conversion_id

where
    attributed.conversion_id is null
    {% for model in attribution_models() -%}
        or attributed.{{ model }} <> 1
    {% endfor %}
