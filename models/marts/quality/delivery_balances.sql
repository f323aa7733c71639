{{ config(**written_anew()) }}

with

sources as (

    select * from {{ ref('stg_campaign_delivery__sources') }}

),

source_days as (

    select * from {{ ref('int_delivery_source_days') }}

),

imputed as (

    select * from {{ ref('int_deliveries_imputed') }}

),

quarantined as (

    select * from {{ ref('quarantined_deliveries') }}

),

records_counted as (

    select
        _source,
        _dlt_load_id,
        cast(sum(records_found) as bigint) as records_found,
        cast(sum(records_observed) as bigint) as records_observed

    from source_days

    group by
        _source,
        _dlt_load_id

),

imputed_counted as (

    select
        _source,
        count(*) as records_imputed

    from imputed

    group by _source

),

quarantined_counted as (

    select
        _source,
        count(*) as records_quarantined

    from quarantined

    group by _source

),

joined as (

    select
        sources.source,
        sources._source,
        sources._dlt_load_id,
        sources.kind,
        sources.status,
        sources.outcome,
        sources.received_at,
        sources.records_read,
        sources.records_loaded,
        sources.records_rejected,
        coalesce(records_counted.records_found, 0) as records_found,
        case when sources.outcome = 'superseded' then sources.records_loaded else 0 end as records_superseded,
        case when sources.outcome = 'duplicate' then sources.records_loaded else 0 end as records_duplicate,
        case when sources.outcome = 'current' then coalesce(quarantined_counted.records_quarantined, 0) else 0 end
            as records_quarantined,
        case
            when sources.outcome = 'current'
                then coalesce(records_counted.records_observed, 0) + coalesce(imputed_counted.records_imputed, 0)
            else 0
        end as records_kept

    from sources

    left join records_counted
        on sources._source = records_counted._source and sources._dlt_load_id = records_counted._dlt_load_id

    left join imputed_counted
        on sources._source = imputed_counted._source

    left join quarantined_counted
        on sources._source = quarantined_counted._source

)

select * from joined
