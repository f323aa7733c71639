-- A place that is no ISO 3166-2 code and no alias is kept as it came; it has no country, no local time and no season.
{{ config(severity='warn', meta={'has_message': true}) }}

with

placed as (

    select
        source,
        'impressions' as kind,
        geo_location

    from {{ ref('int_impressions') }}

    union all

    select
        source,
        'bid requests' as kind,
        geo_location

    from {{ ref('int_bid_requests') }}

),

places as (

    select * from {{ ref('int_places') }}

    where not is_known

)

select
    placed.source,
    placed.kind,
    count(*) as events,
    placed.source || ': ' || cast(count(*) as varchar) || ' ' || placed.kind || ' are of unknown places, such as '
    || min(places.written_place) || '; add what they mean to seeds/place_aliases.csv' as message

from placed

inner join places
    on placed.geo_location = places.written_place

group by
    placed.source,
    placed.kind
