-- A warning about the source: records came with fields that nobody asked for. They are kept in `_extra`, as JSON; map
-- them with ADHOUSE_API_FIELDS if they are ours under other names.
{{ config(severity='warn') }}

select
    _source,
    count(*) as records,
    min(_extra) as example

from {{ source('raw', 'campaign_delivery') }}

where _extra is not null

group by _source
