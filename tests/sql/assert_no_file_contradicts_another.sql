-- A warning about a source: two of its files say different things of one event, as where an hour comes again with
-- corrections. The newer file does not decide which of them counts. A bid request has no money of its own.
{{ config(severity='warn', meta={'has_message': true}) }}

with

conflicts as (

    select * from {{ ref('event_conflicts') }}

    where _source <> conflicting_source and kind <> 'bid_requests'

),

pairs as (

    select
        source,
        kind,
        _source,
        conflicting_source,
        count(*) as events,
        min(event_id) as example,
        min(event_time) as first_time,
        max(event_time) as last_time

    from conflicts

    group by
        source,
        kind,
        _source,
        conflicting_source

),

ranked as (

    select
        *,
        sum(events) over (partition by source, kind) as all_events,
        row_number() over (
            partition by source, kind
            order by events desc, _source asc, conflicting_source asc
        ) as place

    from pairs

)

select
    source,
    kind,
    all_events,
    source || ': two files say different things of ' || cast(all_events as varchar) || ' ' || kind
    || ', in the hours from ' || substr(cast(first_time as varchar), 1, 13)
    || ' to ' || substr(cast(last_time as varchar), 1, 13) || ' UTC; of '
    || example || ' the record in ' || regexp_replace(_source, '^([^/]*/){3}', '') || ' counts, and that in '
    || regexp_replace(conflicting_source, '^([^/]*/){3}', '') || ' does not; event_conflicts lists both, and if a file '
    || 'replaces an older one, set `replaces` of the source' as message

from ranked

where place = 1
