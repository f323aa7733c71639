{{ config(**full_rewrite()) }}

with

flights as (

    select * from {{ ref('stg_campaign_targets__flights') }}

),

campaign_days as (

    select * from {{ ref('int_campaign_days') }}

),

campaign_attribution as (

    select * from {{ ref('campaign_attribution') }}

),

-- The day of the run is not over: what is delivered counts to the day before.
summed as (

    select
        flights.campaign_id,
        flights.flight_start,
        sum(campaign_days.impressions) as impressions,
        sum(campaign_days.clicks) as clicks,
        sum(campaign_days.conversions) as conversions,
        sum(campaign_days.spend) as spend

    from flights

    inner join campaign_days
        on
            flights.campaign_id = campaign_days.campaign_id
            and flights.flight_start <= campaign_days.date
            and flights.flight_end >= campaign_days.date

    where campaign_days.date < {{ as_of_date() }}

    group by
        flights.campaign_id,
        flights.flight_start

),

-- What conversions after clicks were worth, on the days of these clicks, as every report but that of models has them.
valued as (

    select
        flights.campaign_id,
        flights.flight_start,
        sum(campaign_attribution.conversion_value) as conversion_value

    from flights

    inner join campaign_attribution
        on
            flights.campaign_id = campaign_attribution.campaign_id
            and flights.flight_start <= campaign_attribution.date
            and flights.flight_end >= campaign_attribution.date

    where
        campaign_attribution.model = 'last_click_else_view'
        and campaign_attribution.date_base = 'touch'
        and campaign_attribution.date < {{ as_of_date() }}

    group by
        flights.campaign_id,
        flights.flight_start

),

joined as (

    select
        flights.*,
        flights.flight_start <= {{ as_of_date() }} and flights.flight_end >= {{ as_of_date() }} as is_running,
        case
            when flights.flight_start >= {{ as_of_date() }} then 0
            when flights.flight_end < {{ as_of_date() }} then flights.flight_days
            else {{ dbt.datediff('flights.flight_start', as_of_date(), 'day') }}
        end as elapsed_days,
        coalesce(summed.impressions, 0) as impressions,
        coalesce(summed.clicks, 0) as clicks,
        coalesce(summed.conversions, 0) as conversions,
        coalesce(summed.spend, 0) as spend,
        valued.conversion_value

    from flights

    left join summed
        on
            flights.campaign_id = summed.campaign_id
            and flights.flight_start = summed.flight_start

    left join valued
        on
            flights.campaign_id = valued.campaign_id
            and flights.flight_start = valued.flight_start

)

select
    campaign_id,
    flight_start,
    flight_end,
    cast(flight_days as bigint) as flight_days,
    cast(elapsed_days as bigint) as elapsed_days,
    is_running,
    budget,
    original_budget,
    currency,
    cast(impressions as bigint) as impressions,
    cast(clicks as bigint) as clicks,
    cast(conversions as decimal(38, 6)) as conversions,
    cast(spend as decimal(38, 6)) as spend,
    case when is_running then {{ ratio('spend * flight_days', 'budget * elapsed_days') }} end as pacing,
    {{ ratio('clicks', 'impressions') }} as ctr,
    {{ ratio('spend', 'clicks') }} as cpc,
    {{ ratio('spend', 'conversions') }} as cpa,
    {{ ratio('conversion_value', 'spend') }} as roas,
    cast(target_ctr as double) as target_ctr,
    target_cpc,
    target_cpa,
    cast(target_roas as double) as target_roas

from joined
