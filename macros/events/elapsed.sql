{% macro elapsed(earlier, later) -%}
    {#-
        Microseconds from one event to another, negative if the second came first. Where one of the two times has no fraction
        of a second, both are cut to the second: a log that writes whole seconds says nothing about what came first within one.
    -#}
    case
        when {{ earlier }} % 1000000 = 0 or {{ later }} % 1000000 = 0
            then {{ later }} - {{ later }} % 1000000 - ({{ earlier }} - {{ earlier }} % 1000000)
        else {{ later }} - {{ earlier }}
    end
{%- endmacro %}
