{% macro place_of(country, region) -%}
    {#- A place as OpenRTB has it, a country and a region, as ISO 3166-2 writes it; the region may be a code of that itself. -#}
    case
        when {{ country }} is null or {{ region }} like '%-%' then {{ region }}
        when {{ region }} is null then {{ country }}
        else {{ country }} || '-' || {{ region }}
    end
{%- endmacro %}
