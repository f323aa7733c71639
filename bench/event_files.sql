-- Logs of events, the files of the arrival days numbered $first to $last, `per_day` impressions a day. An event is made of its
-- number alone, so the same numbers give the same bytes, and what a click says of its impression is what the impression says.
-- 5 % of impressions have no user and 0.5 % no id, 1 % are duplicates, a quarter of them conflicting, 2 % come up to 21 days
-- late. Clicks name their impression (84 %) or leave it to user and ad (10 %); the others are orphans, too early or too late, and
-- of each hundred one repeats the one before it. A tenth of the conversions comes late, and a third names its click.
create temp macro shown_as(number) as case when hash(number, 1) % 100 = 0 then number - 997 else number end;
create temp macro impression_id(number) as
    case when hash(number, 2) % 200 <> 0 then 'i-' || lpad(to_hex(hash(number, 3)), 16, '0') end;
create temp macro uuid_of(number) as
    substr(md5(cast(number as varchar)), 1, 8) || '-' || substr(md5(cast(number as varchar)), 9, 4) || '-4'
    || substr(md5(cast(number as varchar)), 14, 3) || '-8' || substr(md5(cast(number as varchar)), 18, 3) || '-'
    || substr(md5(cast(number as varchar)), 21, 12);
create temp macro user_id(number) as
    case when hash(number, 4) % 20 <> 0 then uuid_of(hash(number, 5) % 2000000) end;
create temp macro ad_number(number) as hash(number, 6) % 1500;
create temp macro ad_id(number) as 'ad' || lpad(cast(ad_number(number) as varchar), 5, '0');
create temp macro campaign_id(number) as 'cmp' || lpad(cast(ad_number(number) // 5 as varchar), 4, '0');
create temp macro device(number) as ['mobile', 'desktop', 'tablet', 'ctv'][cast(hash(number, 7) % 4 as integer) + 1];
create temp macro place(number) as
    ['US-CA', 'US-NY', 'DE-BE', 'GB-ENG', 'FR-IDF', 'JP-13', 'BR-SP', 'IN-MH'][cast(hash(number, 8) % 8 as integer) + 1];
create temp macro platform(number) as
    ['youtube', 'facebook', 'google_search', 'mobile_app', 'display_network'][cast(hash(number, 9) % 5 as integer) + 1];
create temp macro publisher(number) as 'pub' || lpad(cast(hash(number, 10) % 300 as varchar), 4, '0');
-- Milliseconds since 1970, on the day of arrival or, of the late ones, before it.
create temp macro shown_ms(number) as
    1735689600000 + (
        cast(number // $per_day as bigint)
        - case when hash(number, 11) % 50 = 0 then 1 + cast(hash(number, 12) % 21 as bigint) else 0 end
    ) * 86400000 + cast(hash(number, 13) % 86400000 as bigint);
create temp macro clicked_number(click) as
    case when hash(click, 20) % 100 = 0 and click > 0 then (click - 1) * 33 + 5 else click * 33 + 5 end;
create temp macro click_kind(click) as cast(hash(click, 21) % 100 as integer);
create temp macro clicked_ms(click) as
    shown_ms(clicked_number(click)) + case
        when click_kind(click) in (94, 95) then -1000 * cast(1 + hash(click, 22) % 600 as bigint)
        when click_kind(click) in (96, 97) then 3600000 + 1000 * cast(1 + hash(click, 22) % 7200 as bigint)
        else cast(400 + hash(click, 22) % 3000000 as bigint)
    end;
create temp macro click_id(click) as 'c-' || lpad(to_hex(hash(click, 23)), 16, '0');
create temp macro written(ms) as strftime(make_timestamp(cast(ms * 1000 as bigint)), '%Y-%m-%dT%H:%M:%S.%gZ');

copy (
    select
        '{"impression_id":' || coalesce('"' || impression_id(shown) || '"', 'null')
        || ',"ad_id":"' || ad_id(shown) || '","campaign_id":"' || campaign_id(shown)
        || '","publisher_id":"' || publisher(shown)
        || '","user_id":' || coalesce('"' || user_id(shown) || '"', 'null')
        || ',"event_time":"' || written(shown_ms(shown))
        || '","device_type":"' || device(shown) || '","geo_location":"' || place(shown)
        || '","platform":"' || platform(shown) || '","ad_type":"banner","bid_price":'
        || cast(0.25 + cast(hash(priced, 14) % 4000 as decimal(9, 3)) / 1000 as decimal(9, 3))
        || ',"site_domain":"site' || hash(shown, 15) % 2000 || '.example'
        || '","auction_id":null,"imp_id":null}' as line

    from (
        select
            shown_as(number) as shown,
            case when hash(number, 16) % 4 = 0 then number else shown_as(number) end as priced
        from range($first * $per_day, ($last + 1) * $per_day) as numbers (number)
    )
) to '$impressions' (format csv, header false, quote '', escape '', delimiter e'\x01');

copy (
    select
        click_id(click) as click_id,
        case
            when click_kind(click) in (98, 99) then 'i-unknown-' || click
            when click_kind(click) between 0 and 9 then null
            else impression_id(clicked_number(click))
        end as impression_id,
        ad_id(clicked_number(click)) as ad_id,
        campaign_id(clicked_number(click)) as campaign_id,
        publisher(clicked_number(click)) as publisher_id,
        user_id(clicked_number(click)) as user_id,
        written(clicked_ms(click)) as event_time,
        device(clicked_number(click)) as device_type,
        place(clicked_number(click)) as geo_location,
        platform(clicked_number(click)) as platform,
        cast(0.1 + cast(hash(click, 24) % 900 as decimal(9, 3)) / 1000 as decimal(9, 3)) as click_price

    from range($first * $per_day // 33, ($last + 1) * $per_day // 33) as clicks (click)
) to '$clicks' (format csv, header true);

copy (
    select
        'v-' || conversion as conversion_id,
        user_id(clicked_number(conversion * 10)) as user_id,
        case when hash(conversion, 30) % 2 = 0 then campaign_id(clicked_number(conversion * 10)) end as campaign_id,
        written(
            clicked_ms(conversion * 10) + cast(hash(conversion, 31) % 1728000000 as bigint)
            * case when hash(conversion, 32) % 4 = 0 then 1 else 0 end + 60000
        ) as event_time,
        ['purchase', 'lead', 'signup'][cast(hash(conversion, 33) % 3 as integer) + 1] as conversion_type,
        cast(5 + cast(hash(conversion, 34) % 20000 as decimal(9, 2)) / 100 as decimal(9, 2)) as conversion_value,
        'USD' as currency,
        1 as conversion_count,
        case when hash(conversion, 35) % 3 = 0 then click_id(conversion * 10) end as click_id,
        null as impression_id

    from range($first * $per_day // 330, ($last + 1) * $per_day // 330) as conversions (conversion)
) to '$conversions' (format csv, header true);
