{{ config(**full_rewrite()) }}

{#- A build of everything asks nobody what changed; one of a table that is new beside older ones does. -#}
{%- set builds_everything = flags.FULL_REFRESH or not (is_incremental() or has_completed_build()) -%}

with

-- Every impression of which a record came or went, whether it stood before, stands now, or neither.
recorded as (

    select
        event_date,
        impression_id

    from {{ ref('int_impression_records') }}

    where {{ is_changed('_source', kind='impressions') }}

),

impressions as (

    select * from {{ ref('int_impressions') }}

),

-- One impression more or less in an hour of a user can make or end a flood of all of them.
floods as (

    select
        user_id,
        event_hour

    from {{ ref('int_impressions_flooded') }}

    where changed_in_build > {{ completed_build() }}

),

of_changed_floods as (

    select
        impressions.event_date,
        impressions.impression_id

    from impressions

    inner join floods
        on
            impressions.user_id = floods.user_id
            and {{ whole_units('impressions.event_us', 3600000000) }} = floods.event_hour

    where {{ is_on_day_of_changed_flood('impressions.event_date') }}

),

changed as (

    select * from recorded

    union

    select * from of_changed_floods

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
