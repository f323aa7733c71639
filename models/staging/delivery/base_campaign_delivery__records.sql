with

records as (

    select * from {{ source('raw', 'campaign_delivery') }}

),

exchange_rates as (

    select * from {{ ref('stg_exchange_rates__days') }}

),

typed as (

    select
        source,
        coalesce(nullif(account, ''), 'unknown_account') as account,
        campaign_id,
        ad_id,
        coalesce(date, _asked_date, _received_date) as date,
        case
            when date is not null then 'observed'
            when _asked_date is not null then 'asked'
            else 'received'
        end as date_source,
        _asked_date,
        brand,
        country,
        state,
        city,
        zipcode,
        impressions,
        clicks,
        cast(conversions as decimal(38, 6)) as conversions,
        nullif(upper(trim(currency)), '') as currency,
        cast(spend as decimal(38, 6)) as original_spend,
        _source,
        _position,
        cast(_received_at as timestamp(6)) as _received_at,
        _dlt_load_id

    from records

),

converted as (

    select
        typed.*,
        {{ converted_price('typed.original_spend', 'typed.currency', 'exchange_rates.rate') }} as spend

    from typed

    left join exchange_rates
        on
            typed.currency = exchange_rates.currency
            and typed.date = exchange_rates.date

),

-- The first rule that a record breaks. What passes satisfies conversions <= clicks <= impressions; a negative spend is
-- a credit and passes. Judged before the texts get their defaults, so that no engine computes those for rows it drops.
judged as (

    select
        *,
        case
            when date < date '2000-01-01' then 'out_of_range'
            when abs(original_spend) >= 1000000000000 or abs(spend) >= 1000000000000 then 'out_of_range'
            when abs(conversions) >= 1000000000000 then 'out_of_range'
            when impressions < 0 or clicks < 0 or conversions < 0 then 'negative_count'
            when impressions is null then 'null_impressions'
            when clicks is null then 'null_clicks'
            when conversions is null then 'null_conversions'
            when clicks > impressions then 'clicks_over_impressions'
            when conversions > clicks then 'conversions_over_clicks'
            when date > cast(_received_at as date) + interval '{{ var("delivery_future_tolerance_days") }}' day
                then 'future_date'
            when date <> _asked_date then 'other_day'
            when {{ is_no_currency('currency') }} then 'bad_currency'
            when original_spend is not null and spend is null then 'no_exchange_rate'
        end as rejection_reason

    from converted

),

defaulted as (

    select
        source,
        account,
        coalesce(nullif(campaign_id, ''), 'unknown_campaign') as campaign_id,
        coalesce(nullif(ad_id, ''), 'unknown_ad') as ad_id,
        date,
        date_source,
        coalesce(nullif(brand, ''), 'Unknown') as brand,
        coalesce(nullif(country, ''), 'Unknown') as country,
        coalesce(nullif(state, ''), 'Unknown') as state,
        coalesce(nullif(city, ''), 'Unknown') as city,
        coalesce(nullif(zipcode, ''), '0000') as zipcode,
        impressions,
        clicks,
        conversions,
        spend,
        original_spend,
        coalesce(currency, '{{ warehouse_currency() }}') as currency,
        rejection_reason,
        _source,
        _position,
        _received_at,
        _dlt_load_id

    from judged

)

select * from defaulted
