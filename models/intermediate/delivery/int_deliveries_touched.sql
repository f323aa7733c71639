{{ config(materialized='view') }}

with

changed_sources as (

    select * from {{ ref('int_delivery_sources') }}

    where {{ has_changed() }}

),

records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

missing_spend as (

    select * from {{ ref('int_deliveries_missing_spend') }}

),

of_changed_sources as (

    select
        records.campaign_id,
        records.ad_id,
        records.date,
        records.brand,
        records.country,
        records.state,
        records.city,
        records.zipcode

    from records

    inner join changed_sources
        on records._source = changed_sources._source and records._dlt_load_id = changed_sources._dlt_load_id

),

perhaps_imputed_anew as (

    select
        campaign_id,
        ad_id,
        date,
        brand,
        country,
        state,
        city,
        zipcode

    from missing_spend

    where exists (select 1 from changed_sources)

)

select * from of_changed_sources

union all

select * from perhaps_imputed_anew
