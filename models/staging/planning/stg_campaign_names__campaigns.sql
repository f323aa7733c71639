with

written as (

    select * from {{ ref('campaign_names') }}

),

trimmed as (

    select
        nullif(trim(campaign_id), '') as campaign_id,
        nullif(trim(name), '') as name,
        nullif(trim(advertiser), '') as advertiser,
        nullif(trim(channel), '') as channel,
        nullif(trim(status), '') as status

    from written

),

-- An id that stands there twice is an error, which a test says in one line; every model after this one has it once.
numbered as (

    select
        *,
        row_number() over (partition by campaign_id order by name, advertiser, channel, status) as place

    from trimmed

    where campaign_id is not null

)

select
    campaign_id,
    name,
    advertiser,
    channel,
    status

from numbered

where place = 1
