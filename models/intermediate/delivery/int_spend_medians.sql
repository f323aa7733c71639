with

deliveries as (

    select * from {{ ref('int_deliveries_accepted') }}

    where spend_source = 'observed'

),

spend_groups as (

    select * from {{ ref('int_spend_groups') }}

),

medians as (

    select
        spend_groups.group_number,
        {{ exact_median('deliveries.spend') }} as median_spend

    from deliveries

    inner join spend_groups
        on
            deliveries.ad_id = spend_groups.ad_id
            and deliveries.brand = spend_groups.brand
            and deliveries.country = spend_groups.country

    group by spend_groups.group_number

)

select
    spend_groups.ad_id,
    spend_groups.brand,
    spend_groups.country,
    medians.median_spend as imputed_spend,
    spend_groups.spend_source

from spend_groups

inner join medians
    on spend_groups.group_number = medians.group_number

where spend_groups.takes_median
