-- A warning about the source: records came with fields that nobody asked for. They are kept in `_extra`, as JSON. Map
-- them in the settings if they are ours under other names.
{{ config(severity='warn') }}

select
    source,
    _source,
    count(*) as records,
    min(_extra) as example

from {{ source('raw', 'campaign_delivery') }}

where _extra is not null

group by
    source,
    _source
