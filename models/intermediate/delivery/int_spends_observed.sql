{{ config(materialized='view') }}

with

records as (

    select * from {{ ref('stg_campaign_delivery__records') }}

)

select
    ad_id,
    brand,
    country,
    spend

from records

where spend is not null
