{{ config(**full_rewrite()) }}

with

overlapping_days as (

    select * from {{ ref('int_file_overlaps') }}

),

lacking_days as (

    select * from {{ ref('int_campaigns_lacking') }}

),

read_last as (

    select
        *,
        max(case when status in ('loaded', 'duplicate', 'retracted') then reading end) over (
            partition by kind, _source
        ) as newest_reading

    from {{ ref('int_units') }}

),

-- What was retracted, or has no record that passes the rules, took nothing away and lost nothing.
files as (

    select
        *,
        max_by(_source, receipt_number) over (partition by source, kind, replaces) as newest_file,
        max_by(content_sha256, receipt_number) over (partition by source, kind, replaces) as newest_sha256

    from read_last

    where
        unit_type = 'file'
        and replaces_by = 'file_name'
        and replaces is not null
        and is_usable
        and reading = newest_reading

),

file_days as (

    select
        files.source,
        files.kind,
        files.replaces,
        files._source,
        files.content_sha256,
        files.newest_file,
        files.newest_sha256,
        files.receipt_number,
        files.outcome,
        unit_days.account,
        unit_days.date,
        unit_days.records_found,
        unit_days.spend_kept

    from {{ ref('int_unit_days') }} as unit_days

    inner join files
        on
            unit_days.kind = files.kind
            and unit_days._source = files._source
            and unit_days._dlt_load_id = files._dlt_load_id

    where unit_days.date_source = 'observed'

),

-- The days of each content that counts, whatever its file is called.
current_days as (

    select distinct
        source,
        kind,
        content_sha256,
        account,
        date

    from file_days

    where outcome = 'current'

),

replaced_days as (

    select
        file_days.*,
        row_number() over (
            partition by file_days.source, file_days.kind, file_days.replaces, file_days.account, file_days.date
            order by file_days.receipt_number desc
        ) as newness

    from file_days

    left join current_days as kept
        on
            file_days.source = kept.source
            and file_days.kind = kept.kind
            and file_days.account = kept.account
            and file_days.date = kept.date
            and kept.content_sha256 in (file_days.newest_sha256, file_days.content_sha256)

    where
        file_days.outcome = 'superseded'
        and file_days._source <> file_days.newest_file
        and kept.date is null

),

unioned as (

    select
        cast('counted_twice' as varchar) as overlap,
        source,
        account,
        date,
        older_file,
        newer_file,
        records,
        spend

    from overlapping_days

    union all

    select
        cast('taken_away' as varchar) as overlap,
        source,
        account,
        date,
        _source as older_file,
        newest_file as newer_file,
        records_found as records,
        spend_kept as spend

    from replaced_days

    where newness = 1

    union all

    select
        cast('campaigns_lacking' as varchar) as overlap,
        source,
        account,
        date,
        older_file,
        newer_file,
        records,
        spend

    from lacking_days

),

summed as (

    select
        overlap,
        source,
        account,
        older_file,
        newer_file,
        min(date) as first_date,
        max(date) as last_date,
        count(distinct date) as day_count,
        cast(sum(records) as bigint) as records,
        cast(sum(spend) as decimal(38, 6)) as spend

    from unioned

    group by
        overlap,
        source,
        account,
        older_file,
        newer_file

)

select
    *,
    source || ': ' || regexp_replace(newer_file, '^([^/]*/){3}', '')
    || case overlap
        when 'counted_twice' then ' has again what ' || regexp_replace(older_file, '^([^/]*/){3}', '') || ' has on '
        when 'taken_away' then ' took the place of an older file of its name, and lacks its '
        else ' lacks campaigns that ' || regexp_replace(older_file, '^([^/]*/){3}', '') || ' has on '
    end
    || cast(day_count as varchar) || case when day_count = 1 then ' day, ' else ' days, ' end
    || cast(first_date as varchar) || case when day_count = 1 then '' else ' to ' || cast(last_date as varchar) end
    || ': ' || cast(cast(spend as decimal(38, 2)) as varchar) || ' {{ warehouse_currency() }} '
    || case when overlap = 'counted_twice' then 'may count twice' else 'no longer count' end
    || case
        when overlap = 'campaigns_lacking'
            then
                '; with `replaces: days` a file has to hold the whole account: '
                || 'export all campaigns, or retract one of the files'
        else
            '; set `replaces: days` for ' || source || ' if the newest file of a day replaces that day, or '
            || '`replaces: nothing` if all its files add up'
    end as message

from summed
