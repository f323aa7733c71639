-- A place that is no ISO 3166-2 code and no alias is kept as it came; it has no country, no local time and no season.
{{ config(severity='warn', meta={'has_message': true}) }}

with

impressions as (

    select * from {{ ref('int_impressions') }}

),

places as (

    select * from {{ ref('int_places') }}

    where not is_known

)

select
    impressions.source,
    count(*) as impressions,
    impressions.source || ': ' || cast(count(*) as varchar) || ' impressions are of unknown places, such as '
    || min(places.written_place) || '; add what they mean to seeds/place_aliases.csv' as message

from impressions

inner join places
    on impressions.geo_location = places.written_place

group by impressions.source
