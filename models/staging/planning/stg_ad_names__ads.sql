with

written as (

    select * from {{ ref('ad_names') }}

),

trimmed as (

    select
        nullif(trim(ad_id), '') as ad_id,
        nullif(trim(name), '') as name,
        nullif(trim(brand), '') as brand,
        nullif(trim(ad_group), '') as ad_group,
        nullif(trim(status), '') as status

    from written

),

-- An id that stands there twice is an error, which a test says in one line; every model after this one has it once.
numbered as (

    select
        *,
        row_number() over (partition by ad_id order by name, brand, ad_group, status) as place

    from trimmed

    where ad_id is not null

)

select
    ad_id,
    name,
    brand,
    ad_group,
    status

from numbered

where place = 1
