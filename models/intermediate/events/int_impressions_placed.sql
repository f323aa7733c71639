{{ config(materialized='view') }}

with

impressions as (

    select * from {{ ref('int_impressions_flagged') }}

),

places as (

    select * from {{ ref('int_places') }}

),

located as (

    select
        impressions.*,
        coalesce(places.place, impressions.geo_location) as place,
        places.country,
        places.state,
        places.is_southern,
        {{ local_time(utc_time('impressions.event_us'), "coalesce(places.time_zone, 'UTC')") }} as shown_at

    from impressions

    left join places
        on impressions.geo_location = places.written_place

),

dated as (

    select
        *,
        extract(hour from shown_at) as shown_hour,
        extract(month from shown_at) as shown_month,
        -- From a Monday before all events.
        cast(mod(date_diff('day', date '1999-12-27', cast(shown_at as date)), 7) + 1 as integer) as day_of_week

    from located

)

select
    *,
    case
        when shown_hour < 6 then 'night'
        when shown_hour < 12 then 'morning'
        when shown_hour < 18 then 'afternoon'
        else 'evening'
    end as part_of_day,
    day_of_week >= 6 as is_weekend,
    case
        when is_southern is null then null
        when shown_month in (12, 1, 2) then case when is_southern then 'summer' else 'winter' end
        when shown_month in (3, 4, 5) then case when is_southern then 'autumn' else 'spring' end
        when shown_month in (6, 7, 8) then case when is_southern then 'winter' else 'summer' end
        when is_southern then 'spring'
        else 'autumn'
    end as season

from dated
