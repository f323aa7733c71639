{{ config(**full_rewrite()) }}

with

campaign_days as (

    select * from {{ ref('int_campaign_days_measured') }}

),

-- Only campaigns that both sides know can differ.
known as (

    select campaign_id

    from campaign_days

    group by campaign_id

    having count(case when is_delivered then 1 end) > 0 and count(case when is_measured then 1 end) > 0

),

unpivoted as (

    select
        campaign_days.campaign_id,
        campaign_days.date,
        measures.measure,
        campaign_days.is_delivered and campaign_days.is_measured as has_both,
        case measures.measure
            when 'impressions' then campaign_days.delivered_impressions
            when 'clicks' then campaign_days.delivered_clicks
            when 'conversions' then campaign_days.delivered_conversions
            else campaign_days.delivered_spend
        end as delivered,
        case measures.measure
            when 'impressions' then campaign_days.measured_impressions
            when 'clicks' then campaign_days.measured_clicks
            when 'conversions' then campaign_days.measured_conversions
            else campaign_days.measured_spend
        end as measured,
        case measures.measure
            when 'impressions' then campaign_days.quarantined_impressions
            when 'clicks' then campaign_days.quarantined_clicks
            when 'conversions' then campaign_days.quarantined_conversions
            else campaign_days.quarantined_spend
        end as quarantined,
        case measures.measure
            when 'impressions' then campaign_days.invalid_impressions
            when 'clicks' then campaign_days.invalid_clicks
            when 'conversions' then 0
            else campaign_days.invalid_spend
        end as invalid,
        case measures.measure
            when 'impressions' then campaign_days.late_impressions
            when 'clicks' then campaign_days.late_clicks
            when 'conversions' then campaign_days.late_conversions
            else campaign_days.late_spend
        end as late,
        case when measures.measure = 'spend' then campaign_days.imputed_spend else 0 end as imputed

    from campaign_days

    inner join known
        on campaign_days.campaign_id = known.campaign_id

    cross join (values ('impressions'), ('clicks'), ('conversions'), ('spend')) as measures (measure)

),

compared as (

    select
        *,
        delivered - measured as difference,
        case when delivered > 500 then delivered * cast(0.01 as decimal(3, 2)) else 5 end as tolerance

    from unpivoted

),

-- The first cause that alone brings the difference within the tolerance.
explained as (

    select
        *,
        case
            when abs(difference) <= tolerance then 'none'
            when not has_both then 'missing_day'
            when quarantined > 0 and abs(difference + quarantined) <= tolerance then 'quarantined'
            when invalid > 0 and abs(difference - invalid) <= tolerance then 'invalid'
            when late > 0 and abs(difference + late) <= tolerance then 'late'
            when imputed > 0 and abs(difference + imputed) <= tolerance then 'imputed'
            else 'unexplained'
        end as cause

    from compared

)

select
    campaign_id,
    date,
    measure,
    cast(delivered as decimal(38, 6)) as delivered,
    cast(measured as decimal(38, 6)) as measured,
    cast(difference as decimal(38, 6)) as difference,
    cast(tolerance as decimal(38, 6)) as tolerance,
    cause <> 'none' as is_beyond_tolerance,
    cause

from explained
