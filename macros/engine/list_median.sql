{% macro list_median(list, size) -%}
    {#-
        The exact median of a list of decimals with at most nine decimals, half up at nine: of the `size` values in it that are not
        null; null if there is none. For medians over a window, where the aggregate `exact_median` cannot be asked.
    -#}
    {{ return(adapter.dispatch('list_median')(list, size)) }}
{%- endmacro %}

{% macro default__list_median(list, size) -%}
    case
        when {{ size }} > 0 then cast(
            (array_sort({{ list }})[({{ size }} + 1) / 2] + array_sort({{ list }})[{{ size }} / 2 + 1]) * 0.5 as decimal(38, 9)
        )
    end
{%- endmacro %}

{% macro duckdb__list_median(list, size) -%}
    {%- set sorted = "list_sort(" ~ list ~ ", 'ASC', 'NULLS LAST')" -%}
    cast(({{ sorted }}[({{ size }} + 1) // 2] + {{ sorted }}[{{ size }} // 2 + 1]) * 0.5 as decimal(38, 9))
{%- endmacro %}

{% macro list_deviations(list, center) -%}
    {#- How far each number of a list is from `center`. -#}
    {{ return(adapter.dispatch('list_deviations')(list, center)) }}
{%- endmacro %}

{% macro default__list_deviations(list, center) -%}
    transform({{ list }}, one -> abs(one - {{ center }}))
{%- endmacro %}

{% macro duckdb__list_deviations(list, center) -%}
    [abs(one - {{ center }}) for one in {{ list }}]
{%- endmacro %}
