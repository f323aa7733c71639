-- depends_on: {{ ref('int_delivery_sources') }}
{{ config(**kept_apart('remove_changed_sources', by_month=false, where_together='view')) }}

with

deliveries as (

    select * from {{ ref('int_deliveries_observed') }}

)

select
    ad_id,
    brand,
    country,
    spend,
    _source

from deliveries

where {{ is_to_be_built() }}
