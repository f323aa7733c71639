with

imps as (

    select * from {{ ref('base_bid_requests__imps') }}

),

units as (

    select * from {{ ref('int_units') }}

    where kind = 'bid_requests' and outcome = 'current'

)

select imps.*

from imps

inner join units
    on imps._source = units._source and imps._dlt_load_id = units._dlt_load_id
