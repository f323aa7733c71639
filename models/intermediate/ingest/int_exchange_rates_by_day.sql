{{ config(materialized='view') }}

with

rates as (

    select * from {{ ref('stg_exchange_rates__days') }}

)

select
    date,
    {{ dbt.listagg("currency || ' ' || cast(rate as varchar)", "', '", 'order by currency') }} as rates

from rates

group by date
