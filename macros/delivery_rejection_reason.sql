{% macro delivery_rejection_reason() -%}
    {#-
        Why a delivery record cannot count, or null: the first of the rules that fits. What passes satisfies
        conversions <= clicks <= impressions. A negative spend is a credit and passes.
    -#}
    case
        when date < date '2000-01-01' or abs(spend) >= 1000000000000 then 'out_of_range'
        when impressions < 0 or clicks < 0 or conversions < 0 then 'negative_count'
        when impressions is null then 'null_impressions'
        when clicks is null then 'null_clicks'
        when conversions is null then 'null_conversions'
        when clicks > impressions then 'clicks_over_impressions'
        when conversions > clicks then 'conversions_over_clicks'
        when date > {{ days_after('cast(_received_at as date)', var('delivery_future_tolerance_days')) }} then 'future_date'
    end
{%- endmacro %}
