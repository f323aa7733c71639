-- A row of a fetch or file that no longer counts, or that the ledger does not know, must not linger in an incremental table.
with

kept as (

    select distinct _source from {{ ref('processed_campaign_data') }}

),

sources as (

    select * from {{ ref('stg_campaign_delivery__sources') }}

)

select kept._source

from kept

where kept._source not in (select sources._source from sources where sources.outcome = 'current')
