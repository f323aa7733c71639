-- Delivery as JSON lines, a row a line, for the records numbered $first to $last: what a platform reports of bookings (an
-- ad in a campaign) in places, `per_day` records a day. The same numbers give the same bytes. Of `restated` records every
-- tenth has the numbers that the platform corrected a day later.
copy (
    with

    numbered as (

        select
            record_number,
            record_number // $per_day as day_number,
            record_number % $per_day as number_in_day

        from range($first, $last) as records (record_number)

    ),

    placed as (

        select
            *,
            -- Neither step has a factor in common with the number it goes round, so no day has a booking and place twice.
            (number_in_day * 611 + day_number * 101) % $bookings as booking_number,
            (
                (number_in_day * 611 + day_number * 101) % $bookings * 7 + number_in_day // $bookings * 23 + day_number
            ) % $places as place_number,
            hash(record_number, 1) % 1000000 as fault,
            hash(record_number, 2) % 1000000 as missing,
            hash(record_number, 3) % 1000000 as blank,
            case when $is_restated and hash(record_number, 4) % 10 = 0 then 1.05 else 1.0 end as correction

        from numbered

    ),

    shown as (

        select
            *,
            cast((100 + 60000 * pow(hash(record_number, 5) % 1000000 / 1000000, 3)) * correction as bigint) as impressions

        from placed

    ),

    clicked as (

        select
            *,
            cast(impressions * (5000 + hash(record_number, 6) % 30000) // 1000000 as bigint) as clicks,
            cast(impressions * (800 + hash(record_number, 7) % 7200) as bigint) as micros

        from shown

    ),

    converted as (

        select
            *,
            cast(clicks * (20000 + hash(record_number, 8) % 100000) // 1000000 as bigint) as conversions

        from clicked

    ),

    faulty as (

        select
            record_number,
            booking_number,
            place_number,
            missing,
            blank,
            case when fault between 1000 and 1999 then date '2099-01-01' else date '2025-01-01' + cast(day_number as integer) end
                as date,
            case
                when fault between 2000 and 2999 then -1
                when fault between 3000 and 4999 then null
                else impressions
            end as impressions,
            case
                when fault between 5000 and 5999 then -1
                when fault between 6000 and 7999 then null
                when fault between 8000 and 11999 then impressions + 3
                else clicks
            end as clicks,
            case
                when fault between 12000 and 13999 then null
                when fault between 14000 and 17999 then clicks + 3
                else conversions
            end as conversions,
            case
                when fault < 1000 then micros + 1000000000000000000
                when fault between 18000 and 18999 then -micros
                else micros
            end as micros

        from converted

    )

    select
        '{"campaign_id":' || case when blank between 0 and 999 then 'null' else bookings.campaign_id end
        || ',"ad_id":' || case when blank between 1000 and 1999 then '""' else bookings.ad_id end
        || ',"date":' || case when blank between 2000 and 2999 then 'null' else '"' || date || '"' end
        || ',"brand":' || case when blank between 3000 and 3999 then 'null' else bookings.brand end
        || ',"country":' || case when blank between 4000 and 4999 then '""' else places.country end
        || ',"state":' || case when blank between 5000 and 5999 then 'null' else places.state end
        || ',"city":' || case when blank between 6000 and 6999 then 'null' else places.city end
        || ',"zipcode":' || case when blank between 7000 and 7999 then '""' else places.zipcode end
        || ',"impressions":' || coalesce(cast(impressions as varchar), 'null')
        || ',"clicks":' || coalesce(cast(clicks as varchar), 'null')
        || ',"spend":'
        || case
            when missing < 12000 or list_contains(bookings.silent_countries, places.country_index) then 'null'
            else
                case when micros < 0 then '-' else '' end || abs(micros) // 1000000
                || '.' || lpad(cast(abs(micros) % 1000000 as varchar), 6, '0')
        end
        || ',"conversions":' || coalesce(cast(conversions as varchar), 'null') || '}' as line

    from faulty

    inner join bookings
        on faulty.booking_number = bookings.booking_number

    inner join places
        on faulty.place_number = places.place_number

) to '$path' (format csv, header false, quote '', escape '', delimiter e'\x01')
