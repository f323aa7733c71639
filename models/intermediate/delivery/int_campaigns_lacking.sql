{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(date)'],
    pre_hook="{{ delete_changed('date', kind='campaign_delivery') }}",
) }}

{%- set compared_files -%}
    select distinct unit_days._source from {{ ref('int_unit_days') }} as unit_days
    inner join {{ ref('int_units') }} as units
        on unit_days._source = units._source and unit_days._dlt_load_id = units._dlt_load_id
    where units.unit_type = 'file' and units.replaces_by = 'days' and {{ is_changed('date', kind='campaign_delivery') }}
{%- endset -%}

with

files as (

    select * from {{ ref('int_units') }}

    where
        unit_type = 'file'
        and kind = 'campaign_delivery'
        and replaces_by = 'days'
        and outcome = 'current'
        and is_usable

),

file_days as (

    select
        files.source,
        files.receipt_number,
        unit_days._source,
        unit_days._dlt_load_id,
        unit_days.account,
        unit_days.date,
        unit_days.date_source,
        unit_days.outcome

    from {{ ref('int_unit_days') }} as unit_days

    inner join files
        on
            unit_days.kind = files.kind
            and unit_days._source = files._source
            and unit_days._dlt_load_id = files._dlt_load_id

    where unit_days.date_source = 'observed' and {{ is_changed('date', kind='campaign_delivery') }}

),

newest_files as (

    select
        source,
        account,
        date,
        max_by(_source, receipt_number) as newest_file

    from file_days

    where outcome = 'current'

    group by
        source,
        account,
        date

),

-- Every campaign that a file has shown on the day, with what the newest of these files said of it.
campaigns as (

    select
        file_days.source,
        file_days.account,
        file_days.date,
        file_days._source,
        file_days.receipt_number,
        records.campaign_id,
        count(*) as records,
        sum(records.spend) as spend,
        max(case when file_days.outcome = 'current' then 1 else 0 end) as is_current

    from {{ ref('base_campaign_delivery__records') }} as records

    inner join file_days
        on
            records._source = file_days._source
            and records._dlt_load_id = file_days._dlt_load_id
            and records.account = file_days.account
            and records.date = file_days.date
            and records.date_source = file_days.date_source

    where
        records.rejection_reason is null
        and (records.impressions > 0 or records.original_spend <> 0)
        and {{ in_values('records._source', compared_files) if is_incremental() else 'true' }}

    group by
        file_days.source,
        file_days.account,
        file_days.date,
        file_days._source,
        file_days.receipt_number,
        records.campaign_id

),

ranked as (

    select
        *,
        max(is_current) over (partition by source, account, date, campaign_id) as is_shown,
        row_number() over (
            partition by source, account, date, campaign_id
            order by receipt_number desc
        ) as newness

    from campaigns

)

select
    ranked.source,
    ranked.account,
    ranked.date,
    ranked._source as older_file,
    newest_files.newest_file as newer_file,
    cast(sum(ranked.records) as bigint) as records,
    cast(coalesce(sum(ranked.spend), 0) as decimal(38, 6)) as spend

from ranked

inner join newest_files
    on
        ranked.source = newest_files.source
        and ranked.account = newest_files.account
        and ranked.date = newest_files.date

where ranked.is_shown = 0 and ranked.newness = 1

group by
    ranked.source,
    ranked.account,
    ranked.date,
    ranked._source,
    newest_files.newest_file
