-- A warning about the flights that people wrote down: what each of them may have meant otherwise.
{{ config(severity='warn', meta={'has_message': true}) }}

with

flights as (

    select * from {{ ref('pacing') }}

),

doubts as (

    select
        campaign_id,
        flight_start,
        'cannot be paced: no exchange rate from ' || currency || ' to {{ warehouse_currency() }} for its first day '
        || 'or the 7 days before it; add it to seeds/exchange_rates.csv' as doubt

    from flights

    where budget is null and original_budget is not null

    union all

    select
        campaign_id,
        flight_start,
        'has begun, and nothing was delivered in it; is the id of the campaign right?' as doubt

    from flights

    where elapsed_days > 0 and impressions = 0

    union all

    select
        campaign_id,
        flight_start,
        'has a budget of 0, and something was spent; leave the budget empty if there is none' as doubt

    from flights

    where budget = 0 and spend > 0

    union all

    select
        earlier.campaign_id,
        earlier.flight_start,
        'shares days with the one from ' || cast(later.flight_start as varchar)
        || ', and what is spent on them counts in both; let one end before the other begins' as doubt

    from flights as earlier

    inner join flights as later
        on
            earlier.campaign_id = later.campaign_id
            and earlier.flight_start < later.flight_start
            and earlier.flight_end >= later.flight_start

)

select
    *,
    'seeds/campaign_targets.csv: the flight of ' || campaign_id || ' from ' || cast(flight_start as varchar)
    || ' ' || doubt as message

from doubts
