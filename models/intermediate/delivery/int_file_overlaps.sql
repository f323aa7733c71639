{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(date)'],
    pre_hook="{{ delete_changed('date', kind='campaign_delivery') }}",
) }}

with

files as (

    select * from {{ ref('int_units') }}

    where unit_type = 'file' and kind = 'campaign_delivery' and replaces_by = 'file_name' and outcome = 'current'

),

file_days as (

    select
        files.source,
        files._source,
        files.receipt_number,
        unit_days.account,
        unit_days.date

    from {{ ref('int_unit_days') }} as unit_days

    inner join files
        on
            unit_days.kind = files.kind
            and unit_days._source = files._source
            and unit_days._dlt_load_id = files._dlt_load_id

    where {{ is_changed('date', kind='campaign_delivery') }}

),

-- Only a day that several files have can have a record twice, so that most records need not be looked at.
shared_days as (

    select
        source,
        account,
        date

    from file_days

    group by
        source,
        account,
        date

    having count(distinct _source) > 1

),

shared_file_days as (

    select distinct
        file_days._source,
        file_days.receipt_number,
        file_days.account,
        file_days.date

    from file_days

    inner join shared_days
        on
            file_days.source = shared_days.source
            and file_days.account = shared_days.account
            and file_days.date = shared_days.date

),

deliveries as (

    select * from {{ ref('int_deliveries_accepted') }}

    where {{ is_changed('date', kind='campaign_delivery') }}

),

keyed as (

    select
        deliveries.source,
        deliveries.account,
        deliveries.date,
        deliveries.campaign_id,
        deliveries.ad_id,
        deliveries.country,
        deliveries.state,
        deliveries.city,
        deliveries.zipcode,
        deliveries._source,
        shared_file_days.receipt_number,
        count(*) as records,
        sum(deliveries.spend) as spend

    from deliveries

    inner join shared_file_days
        on
            deliveries._source = shared_file_days._source
            and deliveries.account = shared_file_days.account
            and deliveries.date = shared_file_days.date

    group by
        deliveries.source,
        deliveries.account,
        deliveries.date,
        deliveries.campaign_id,
        deliveries.ad_id,
        deliveries.country,
        deliveries.state,
        deliveries.city,
        deliveries.zipcode,
        deliveries._source,
        shared_file_days.receipt_number

),

ranked as (

    select
        *,
        first_value(_source) over (
            partition by source, account, date, campaign_id, ad_id, country, state, city, zipcode
            order by receipt_number
        ) as first_source

    from keyed

)

select
    source,
    account,
    date,
    first_source as older_file,
    _source as newer_file,
    cast(sum(records) as bigint) as records,
    cast(coalesce(sum(spend), 0) as decimal(38, 6)) as spend

from ranked

where _source <> first_source

group by
    source,
    account,
    date,
    first_source,
    _source
