{{ config(**written_anew()) }}

with

sources as (

    select * from {{ ref('stg_campaign_delivery__sources') }}

),

records as (

    select * from {{ ref('base_campaign_delivery__records') }}

),

quarantined as (

    select * from {{ ref('quarantined_deliveries') }}

),

kept as (

    select * from {{ ref('processed_campaign_data') }}

),

records_counted as (

    select
        _source,
        _dlt_load_id,
        count(*) as records_found

    from records

    group by
        _source,
        _dlt_load_id

),

quarantined_counted as (

    select
        _source,
        count(*) as records_quarantined

    from quarantined

    group by _source

),

kept_counted as (

    select
        _source,
        count(*) as records_kept

    from kept

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
        case when sources.outcome = 'current' then coalesce(kept_counted.records_kept, 0) else 0 end as records_kept

    from sources

    left join records_counted
        on sources._source = records_counted._source and sources._dlt_load_id = records_counted._dlt_load_id

    left join quarantined_counted
        on sources._source = quarantined_counted._source

    left join kept_counted
        on sources._source = kept_counted._source

)

select * from joined
