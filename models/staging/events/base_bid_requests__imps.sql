with

records as (

    select * from {{ source('raw', 'bid_requests') }}

),

exchange_rates as (

    select * from {{ ref('stg_exchange_rates__days') }}

),

listed as (

    select
        records._source,
        records._position,
        records._dlt_load_id,
        {{ utc_date('records.timestamp') }} as event_date,
        objects.id as imp_id,
        -- A floor of 0 is no floor.
        nullif(cast(objects.bidfloor as decimal(38, 6)), 0) as floor_price,
        -- As OpenRTB says, whatever the warehouse's own currency is.
        coalesce(nullif(upper(trim(objects.bidfloorcur)), ''), 'USD') as currency,
        objects.imp_place

    from records

    {{ cross_join_objects('records.imp', ['id', 'bidfloor', 'bidfloorcur'], 'imp_place') }}

),

-- Of the imps with one id in a request the first counts.
ranked as (

    select
        *,
        row_number() over (partition by _source, _dlt_load_id, _position, imp_id order by imp_place) as id_place

    from listed

),

converted as (

    select
        ranked.*,
        {{ converted_price('ranked.floor_price', 'ranked.currency', 'exchange_rates.rate') }} as converted_floor

    from ranked

    left join exchange_rates
        on
            ranked.currency = exchange_rates.currency
            and ranked.event_date = exchange_rates.date

    where ranked.id_place = 1

),

-- The first rule that a floor breaks.
judged as (

    select
        *,
        case
            when floor_price < 0 then 'negative_price'
            when floor_price >= 1000000000000 or converted_floor >= 1000000000000 then 'out_of_range'
            when floor_price is not null and ({{ is_no_currency('currency') }}) then 'bad_currency'
            when floor_price is not null and converted_floor is null then 'no_exchange_rate'
        end as rejection_reason

    from converted

)

select
    _source,
    _position,
    _dlt_load_id,
    imp_id,
    imp_place,
    try_cast(converted_floor as decimal(18, 6)) as floor_price,
    try_cast(floor_price as decimal(18, 6)) as original_floor_price,
    case when floor_price is not null then currency end as currency,
    rejection_reason

from judged
