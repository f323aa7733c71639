{{ config(**full_rewrite()) }}

with

attributed as (

    select * from {{ ref('attributed_conversions') }}

),

-- A row for each model, and for each of the two days by which it may be counted.
unpivoted as (

    select
        attributed.campaign_id,
        case when date_bases.date_base = 'touch' then attributed.touch_date else attributed.conversion_date end as date,
        attributed.conversion_type,
        models.model,
        date_bases.date_base,
        attributed.touch_type,
        attributed.conversion_count,
        attributed.conversion_value,
        case models.model
            {%- for model in attribution_models() %}
                when '{{ model }}' then attributed.{{ model }}
            {%- endfor %}
        end as credit

    from attributed

    cross join (
        values
        ('last_click_else_view'), ('first_touch'), ('last_touch'), ('linear'), ('time_decay'), ('position')
    ) as models (model)

    cross join (values ('touch'), ('conversion')) as date_bases (date_base)

),

weighed as (

    select
        *,
        credit * conversion_count as conversions,
        credit * conversion_value as conversion_worth

    from unpivoted

    where credit > 0

),

summed as (

    select
        campaign_id,
        date,
        conversion_type,
        model,
        date_base,
        sum(case when touch_type = 'click' then conversions else 0 end) as conversions,
        sum(case when touch_type = 'click' then conversion_worth else 0 end) as conversion_value,
        sum(case when touch_type = 'impression' then conversions else 0 end) as view_through_conversions,
        sum(case when touch_type = 'impression' then conversion_worth else 0 end) as view_through_value,
        sum(case when touch_type = 'unattributed' then conversions else 0 end) as unattributed_conversions,
        sum(case when touch_type = 'unattributed' then conversion_worth else 0 end) as unattributed_value

    from weighed

    group by
        campaign_id,
        date,
        conversion_type,
        model,
        date_base

)

select
    campaign_id,
    date,
    conversion_type,
    model,
    date_base,
    {%- for measure in ['conversions', 'view_through_conversions', 'unattributed_conversions'] %}
        cast({{ measure }} as decimal(38, 12)) as {{ measure }},
    {%- endfor %}
    {%- for measure in ['conversion_value', 'view_through_value', 'unattributed_value'] %}
        cast(coalesce({{ measure }}, 0) as decimal(38, 6)) as {{ measure }},
    {%- endfor %}
    cast('{{ warehouse_currency() }}' as varchar) as currency,
    date <= {{ as_of_date() }} - interval '{{ [var("click_lookback_days"), var("view_lookback_days")] | max + 1 }}' day
        as is_mature

from summed
