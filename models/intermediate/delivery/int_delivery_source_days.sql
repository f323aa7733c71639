{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook='{{ remove_changed_sources() }}',
) }}

with

records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

sources as (

    select * from {{ ref('int_delivery_sources') }}

),

counted as (

    select
        records._source,
        records._dlt_load_id,
        records.date,
        count(*) as records_found,
        sum(case when records.rejection_reason is null and records.spend is not null then 1 else 0 end)
            as records_observed

    from records

    inner join sources
        on records._source = sources._source and records._dlt_load_id = sources._dlt_load_id

    where {{ is_to_be_built('records._source') }}

    group by
        records._source,
        records._dlt_load_id,
        records.date

)

select
    _source,
    _dlt_load_id,
    date,
    records_found,
    cast(records_observed as bigint) as records_observed

from counted
