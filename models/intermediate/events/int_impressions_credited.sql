{{ config(materialized='view') }}

with

credited as (

    select * from {{ ref('int_conversions_credited') }}

    where last_click_else_view > 0 and impression_id is not null

)

select distinct
    impression_id,
    impression_date

from credited
