with

units as (

    select * from {{ ref('stg_ingest__units') }}

),

-- None of their records passes the rules. They are quarantined, and take no place.
unusable_units as (

    select
        kind,
        _source,
        _dlt_load_id

    from {{ ref('int_unit_days_counted') }}

    group by
        kind,
        _source,
        _dlt_load_id

    having sum(records_passed) = 0

),

numbered as (

    select
        units.*,
        unusable_units._source is null as is_usable_alone,
        -- What two files have in common that say the same; an answer is compared with no other.
        coalesce(case when units.replaces_by = 'file_name' then units.content_sha256 end, units._source) as content_key,
        dense_rank() over (
            partition by
                units.kind,
                units._source,
                case when units.status in ('duplicate', 'retracted') then 'loaded' else units.status end
            order by units.reading desc
        ) as reading_rank,
        max(units.reading) over (partition by units.kind, units._source) as newest_reading,
        row_number() over (
            partition by units.kind, units._source, units.status, units.reading
            order by units._dlt_load_id
        ) as copy_number

    from units

    left join unusable_units
        on
            units.kind = unusable_units.kind
            and units._source = unusable_units._source
            and units._dlt_load_id = unusable_units._dlt_load_id

),

judged as (

    select
        *,
        case
            when status <> 'loaded' then 'without_records'
            when reading_rank > 1 then 'superseded'
            when copy_number > 1 then 'duplicate'
            else 'current'
        end as outcome_alone,
        -- A file that waits as a duplicate replaces what its name said before, until it cannot be read after all.
        status = 'duplicate' and replaces is not null and reading = newest_reading as is_waiting,
        case
            when status = 'duplicate'
                then coalesce(
                    max(case when status = 'loaded' then is_usable_alone end) over (
                        partition by source, kind, content_key
                    ),
                    true
                )
            else is_usable_alone
        end as is_usable,
        -- Where a part of a file's name is replaced, the rest decides before the receipt.
        dense_rank() over (
            partition by source, kind, replaces
            order by version asc nulls first, receipt_number asc
        ) as place

    from numbered

),

ranked as (

    select
        *,
        max(case when (outcome_alone = 'current' or is_waiting) and is_usable then place end) over (
            partition by source, kind, replaces
        ) as newest_usable

    from judged

),

-- Besides the newest usable unit those that came after it stand too, as they are unusable and replace nothing.
standing as (

    select
        *,
        (outcome_alone = 'current' or is_waiting)
        and (replaces is null or place >= coalesce(newest_usable, place)) as stands

    from ranked

),

compared as (

    select
        *,
        max(case when stands then 1 else 0 end) over (partition by source, kind, content_key) = 1 as is_said,
        row_number() over (
            partition by source, kind, content_key, outcome_alone
            order by case when stands then 1 else 2 end, receipt_number
        ) as content_rank

    from standing

),

-- Equal contents count once: with the first file that stands by itself, or else, where the one that does waits as a
-- duplicate, with the first that was loaded.
decided as (

    select
        *,
        case
            when outcome_alone <> 'current' then outcome_alone
            when replaces is null or (is_said and content_rank = 1) then 'current'
            when stands then 'duplicate'
            else 'superseded'
        end as outcome

    from compared

)

select
    source,
    kind,
    _source,
    reading,
    _dlt_load_id,
    unit_type,
    status,
    receipt_number,
    replaces,
    replaces_by,
    asked_date,
    content_sha256,
    received_at,
    records_read,
    records_loaded,
    records_rejected,
    is_usable,
    outcome,
    outcome = 'current' and content_sha256 is not null and row_number() over (
        partition by source, kind, content_sha256, outcome
        order by receipt_number
    ) > 1 as is_content_repeated

from decided
