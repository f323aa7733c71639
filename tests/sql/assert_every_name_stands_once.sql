-- Nothing is published while our own seeds of names say two things of one id, or something of none.
{{ config(meta={'has_message': true}) }}

with

names as (

    select
        'seeds/campaign_names.csv' as seed,
        'campaign_id' as id_column,
        nullif(trim(campaign_id), '') as id

    from {{ ref('campaign_names') }}

    union all

    select
        'seeds/ad_names.csv' as seed,
        'ad_id' as id_column,
        nullif(trim(ad_id), '') as id

    from {{ ref('ad_names') }}

)

select
    seed,
    id,
    case
        when id is null then seed || ': ' || cast(count(*) as varchar) || ' rows have no ' || id_column
        else seed || ': ' || id_column || ' ' || id || ' stands there ' || cast(count(*) as varchar) || ' times'
    end || '; correct it, and run again' as message

from names

group by
    seed,
    id_column,
    id

having count(*) > 1 or id is null
