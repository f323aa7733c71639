{% test conserves_totals(model, of) %}
    {#- Fails if a sum of the model is not exactly that of the model it was made from: a hand-over loses and adds nothing. -#}
    with

    before as (

        select
            coalesce(sum(impressions), 0) as impressions,
            coalesce(sum(clicks), 0) as clicks,
            coalesce(sum(conversions), 0) as conversions,
            coalesce(sum(spend), 0) as spend

        from {{ of }}

    ),

    after as (

        select
            coalesce(sum(impressions), 0) as impressions,
            coalesce(sum(clicks), 0) as clicks,
            coalesce(sum(conversions), 0) as conversions,
            coalesce(sum(spend), 0) as spend

        from {{ model }}

    )

    select
        before.*,
        after.*

    from before

    cross join after

    where
        before.impressions <> after.impressions
        or before.clicks <> after.clicks
        or before.conversions <> after.conversions
        or before.spend <> after.spend
{% endtest %}
