with

rates as (

    select * from {{ ref('exchange_rates') }}

),

typed as (

    select
        upper(trim(from_currency)) as currency,
        date as rate_date,
        cast(rate as decimal(18, 9)) as rate

    from rates

    where upper(trim(to_currency)) = '{{ warehouse_currency() }}'

),

-- Every day on which a rate may be the newest one: its own, and the seven after it.
applicable as (

    select
        typed.currency,
        typed.rate,
        cast(typed.rate_date + ages.age * interval '1' day as date) as date,
        row_number() over (
            partition by typed.currency, typed.rate_date + ages.age * interval '1' day
            order by typed.rate_date desc
        ) as newness

    from typed

    cross join (values (0), (1), (2), (3), (4), (5), (6), (7)) as ages (age)

)

select
    currency,
    date,
    rate

from applicable

where newness = 1
