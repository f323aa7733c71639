with

records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

current_days as (

    select * from {{ ref('int_unit_days') }}

    where kind = 'campaign_delivery' and outcome = 'current'

)

select records.*

from records

inner join current_days
    on
        records._source = current_days._source
        and records._dlt_load_id = current_days._dlt_load_id
        and records.account = current_days.account
        and records.date = current_days.date
        and records.date_source = current_days.date_source
