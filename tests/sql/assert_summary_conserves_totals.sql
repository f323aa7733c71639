-- campaign_summary names its sums total_*, so the shared test does not fit it.
with

before as (

    select
        coalesce(sum(impressions), 0) as impressions,
        coalesce(sum(clicks), 0) as clicks,
        coalesce(sum(conversions), 0) as conversions,
        coalesce(sum(spend), 0) as spend

    from {{ ref('processed_campaign_data') }}

),

after as (

    select
        coalesce(sum(total_impressions), 0) as impressions,
        coalesce(sum(total_clicks), 0) as clicks,
        coalesce(sum(total_conversions), 0) as conversions,
        coalesce(sum(total_spend), 0) as spend

    from {{ ref('campaign_summary') }}

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
