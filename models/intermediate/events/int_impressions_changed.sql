{{ config(**full_rewrite()) }}

{#- A build of everything asks nobody what changed; one of a table that is new beside older ones does. -#}
{%- set builds_everything = flags.FULL_REFRESH or not (is_incremental() or has_completed_build()) -%}

with

-- Every record of an impression of which one came or went, whether it stood before, stands now, or neither.
records as (

    select
        event_date,
        impression_id,
        user_id,
        {{ whole_units('event_us', 3600000000) }} as event_hour

    from {{ ref('base_impressions__records') }}

    where
        {{ is_within_changed_days('event_us', kind='impressions') }}
        and {{ is_in_file_of_changed_impression() }}
        and {{ is_changed_impression() }}

),

impressions as (

    select * from {{ ref('int_impressions') }}

),

-- One impression more or less in an hour of a user decides whether the others of that hour are a flood.
touched_hours as (

    select distinct
        user_id,
        event_hour

    from records

    where user_id is not null

),

of_touched_hours as (

    select
        impressions.event_date,
        impressions.impression_id

    from impressions

    inner join touched_hours
        on
            impressions.user_id = touched_hours.user_id
            and {{ whole_units('impressions.event_us', 3600000000) }} = touched_hours.event_hour

    where {{ is_changed('impressions.event_date', kind='impressions') }}

),

changed as (

    select
        event_date,
        impression_id

    from records

    where event_date is not null

    union

    select * from of_touched_hours

    union

    select
        impression_date as event_date,
        impression_id

    from {{ ref('int_impressions_followed') }}

    where changed_in_build > {{ completed_build() }}

    union

    select
        event_date,
        impression_id

    from impressions

    where {{ is_in_changed_auction('impressions.auction_id') }}

)

select * from changed

where {{ 'false' if builds_everything else 'true' }}
