-- A warning about the source: two files that count have the same records, or a newer file lacks days or campaigns
-- of one that it replaces.
{{ config(severity='warn', meta={'has_message': true}) }}

select * from {{ ref('file_overlaps') }}
