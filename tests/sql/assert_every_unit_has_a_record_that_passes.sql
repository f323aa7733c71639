-- A warning about the source: no record of a fetch or file passes the rules, so that it replaces nothing.
{{ config(severity='warn', meta={'has_message': true}) }}

select
    *,
    warning as message

from {{ ref('source_balances') }}

where warning is not null
