{{ config(**full_rewrite()) }}

{%- set columns = {
    'value': '', 'compared_days': '_days', 'median_value': '_median', 'median_deviation': '_deviation'
} %}

with

campaign_kpis as (

    select * from {{ ref('int_campaign_kpis_compared') }}

),

unpivoted as (

    select
        campaign_kpis.scope,
        campaign_kpis.campaign_id,
        campaign_kpis.date,
        metrics.metric,
        metrics.is_tested,
        {% for column, suffix in columns.items() %}
            case metrics.metric
                {%- for kpi in kpis() %}
                    when '{{ kpi }}' then campaign_kpis.{{ kpi }}{{ suffix }}
                {%- endfor %}
            end as {{ column }},
        {% endfor %}
        {% for part in ['numerator', 'denominator'] %}
            {% for prefix, suffix in {'': '', 'median_': '_median'}.items() %}
                case metrics.{{ part }}
                    {%- for kpi in ['impressions', 'clicks', 'conversions', 'spend'] %}
                        when '{{ kpi }}' then cast(campaign_kpis.{{ kpi }}{{ suffix }} as decimal(38, 6))
                    {%- endfor %}
                end as {{ prefix }}{{ part }},
            {% endfor %}
            case metrics.{{ part }}
                {%- for kpi in ['impressions', 'clicks', 'conversions'] %}
                    when '{{ kpi }}' then campaign_kpis.compared_{{ kpi }}
                {%- endfor %}
            end as compared_{{ part }},
        {% endfor %}
        case
            when metrics.is_on_clicks then campaign_kpis.has_clicks
            else campaign_kpis.has_impressions
        end as has_volume

    from campaign_kpis

    cross join (
        values
        ('impressions', 'impressions', null, false, false),
        ('clicks', 'clicks', null, false, false),
        ('conversions', 'conversions', null, false, false),
        ('spend', 'spend', null, false, false),
        ('ctr', 'clicks', 'impressions', false, true),
        ('cpm', 'spend', 'impressions', false, false),
        ('cpc', 'spend', 'clicks', true, false),
        ('cvr', 'conversions', 'clicks', true, true),
        ('cpa', 'spend', 'conversions', true, false)
    ) as metrics (metric, numerator, denominator, is_on_clicks, is_tested)

),

-- 5.1891 is 3.5 times 1.4826, which makes a standard deviation of a median deviation; that is at least 1 % of the
-- median.
unusual as (

    select
        *,
        {{ ratio('numerator', 'denominator') }} as rate,
        {{ ratio('compared_numerator', 'compared_denominator') }} as compared_rate,
        {{ ratio('numerator + compared_numerator', 'denominator + compared_denominator') }} as pooled_rate

    from unpivoted

    where
        compared_days >= 4
        and has_volume
        and abs(value - median_value) * 1000000 > 51891 * abs(median_value)
        and abs(value - median_value) * 10000 > 51891 * median_deviation

),

-- In doubles, which cannot differ here: quotients, sums, products and roots of counts are those of IEEE 754 on both
-- engines.
scored as (

    select
        *,
        case
            when is_tested then {{ ratio(
                'rate - compared_rate',
                'sqrt(pooled_rate * (1 - pooled_rate) * (' ~ ratio('1', 'denominator') ~ ' + '
                ~ ratio('1', 'compared_denominator') ~ '))',
            ) }}
        end as z_score,
        abs(numerator - median_numerator) * median_denominator as numerator_change,
        abs(denominator - median_denominator) * abs(median_numerator) as denominator_change

    from unusual

)

select
    scope,
    campaign_id,
    date,
    metric,
    value,
    median_value,
    median_deviation,
    compared_days,
    {{ ratio('value - median_value', 'abs(median_value)') }} as change_rate,
    z_score,
    numerator,
    denominator,
    median_numerator,
    median_denominator,
    case
        when denominator is null then null
        when numerator_change >= 2 * denominator_change then 'numerator'
        when denominator_change >= 2 * numerator_change then 'denominator'
        else 'both'
    end as moved

from scored

where not is_tested or abs(z_score) > 3.2905
