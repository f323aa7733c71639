-- A row whose fetch or file no longer counts, or is unknown to the ledger, must not linger in an incremental table.
with

kept as (

    select distinct _source from {{ ref('processed_campaign_data') }}

),

current_sources as (

    select _source from {{ ref('stg_campaign_delivery__sources') }}

    where outcome = 'current'

)

select kept._source

from kept

left join current_sources
    on kept._source = current_sources._source

where current_sources._source is null
