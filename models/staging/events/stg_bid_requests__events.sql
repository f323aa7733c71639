with

records as (

    select * from {{ ref('base_bid_requests__records') }}

),

units as (

    select * from {{ ref('int_units') }}

    where kind = 'bid_requests' and outcome = 'current'

)

select
    records.*,
    units.receipt_number

from records

inner join units
    on records._source = units._source and records._dlt_load_id = units._dlt_load_id
