-- A warning: an id of an impression that comes on several UTC days counts on each of them, since it is looked for on
-- its day only. A build looks at the days it changes.
{{ config(severity='warn', meta={'has_message': true}) }}

with

changed as (

    select * from {{ ref('int_impressions') }}

    where has_own_id and {{ is_pending('event_date', 'impressions') }}

),

impressions as (

    select * from {{ ref('int_impressions') }}

    where has_own_id

),

repeated as (

    select
        changed.source,
        changed.impression_id

    from changed

    inner join impressions
        on changed.impression_id = impressions.impression_id

    group by
        changed.source,
        changed.impression_id

    having min(impressions.event_date) < max(impressions.event_date)

)

select
    source,
    count(*) as ids,
    source || ': ' || cast(count(*) as varchar) || ' ids of impressions come on several days, such as '
    || min(impression_id) || ', and count on each; a clock that is wrong or a log that was written twice does that'
        as message

from repeated

group by source
