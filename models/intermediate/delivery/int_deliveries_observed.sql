-- depends_on: {{ ref('int_delivery_sources') }}
{{ config(**kept_apart('remove_changed_sources', where_together='view')) }}

with

records as (

    select * from {{ ref('stg_campaign_delivery__records') }}

)

select *

from records

where spend is not null and {{ is_to_be_built() }}
