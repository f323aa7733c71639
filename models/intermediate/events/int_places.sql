{{ config(**full_rewrite()) }}

with

aliases as (

    select * from {{ ref('place_aliases') }}

),

places as (

    select * from {{ ref('places') }}

),

written as (

    select geo_location from {{ ref('int_impressions') }}

    where geo_location is not null

    union

    select geo_location from {{ ref('int_clicks') }}

    where geo_location is not null

    union

    select geo_location from {{ ref('int_bid_requests') }}

    where geo_location is not null

),

parted as (

    select
        geo_location as written_place,
        upper(geo_location) as upper_place,
        split_part(upper(geo_location), '-', 1) as upper_country

    from written

),

-- An alias of the whole place, else of its country.
aliased as (

    select
        parted.written_place,
        coalesce(
            whole.place,
            coalesce(countries.place, parted.upper_country)
            || substr(parted.upper_place, length(parted.upper_country) + 1)
        ) as place

    from parted

    left join aliases as whole
        on parted.upper_place = whole.alias

    left join aliases as countries
        on parted.upper_country = countries.alias

),

with_country as (

    select
        written_place,
        place,
        split_part(place, '-', 1) as country_code,
        substr(place, length(split_part(place, '-', 1)) + 1) as region

    from aliased

),

countries_with_regions as (

    select distinct split_part(place, '-', 1) as country_code from places

    where place like '%-%'

),

joined as (

    select
        with_country.written_place,
        with_country.place,
        places.place is not null or (
            countries.place is not null
            and countries_with_regions.country_code is null
            and length(with_country.region) between 2 and 4
            and translate(with_country.region, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', '') = '-'
        ) as is_known,
        coalesce(places.country, countries.country) as country,
        places.state,
        coalesce(places.time_zone, countries.time_zone) as time_zone,
        countries.is_southern

    from with_country

    left join places
        on with_country.place = places.place

    left join places as countries
        on with_country.country_code = countries.place

    left join countries_with_regions
        on with_country.country_code = countries_with_regions.country_code

)

select
    written_place,
    place,
    is_known,
    case when is_known then country end as country,
    case when is_known then state end as state,
    case when is_known then time_zone end as time_zone,
    case when is_known then is_southern end as is_southern

from joined
