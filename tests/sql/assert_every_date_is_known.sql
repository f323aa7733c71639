-- A warning about the source: records came without a date, and not in the answer for a day. They count on the report
-- day of their receipt, which is a guess; `date_source` says so.
{{ config(severity='warn') }}

select
    source,
    _source,
    count(*) as records

from {{ ref('int_deliveries_accepted') }}

where date_source = 'received'

group by
    source,
    _source
