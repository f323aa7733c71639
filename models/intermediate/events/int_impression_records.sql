{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['month(event_date)'],
    pre_hook="{{ delete_changed('_source', kind='impressions') }}",
) }}

with

records as (

    select * from {{ ref('base_impressions__records') }}

    where rejection_reason is null and {{ is_changed('_source', kind='impressions') }}

)

select
    event_date,
    impression_id,
    _source,
    _dlt_load_id,
    _position

from records
