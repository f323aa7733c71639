-- A warning about the source: two files that count have the same records, or a newer file of a name lacks days that the
-- older one had.
{{ config(severity='warn', meta={'has_message': true}) }}

select * from {{ ref('overlaps') }}
