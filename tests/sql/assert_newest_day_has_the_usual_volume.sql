-- A warning about the source: the newest report day that has ended has less than a quarter, or more than four times,
-- the impressions of an average day of the week before it, of which at least four must be there to judge by. The day of
-- the last receipt has not ended, and collects the records that name no date.
{{ config(severity='warn') }}

with

last_receipt as (

    select max_by(cast(received_at as date), receipt_number) as received_date

    from {{ ref('int_units') }}

),

days as (

    select
        performances.date,
        sum(performances.impressions) as impressions

    from {{ ref('daily_performance') }} as performances

    inner join last_receipt
        on performances.date < last_receipt.received_date

    group by performances.date

),

compared as (

    select
        date,
        impressions,
        avg(impressions) over (
            order by date
            rows between 7 preceding and 1 preceding
        ) as usual_impressions,
        count(*) over (
            order by date
            rows between 7 preceding and 1 preceding
        ) as days_before,
        row_number() over (order by date desc) as newness

    from days

)

select *

from compared

where
    newness = 1
    and days_before >= 4
    and (impressions < usual_impressions / 4 or impressions > usual_impressions * 4)
