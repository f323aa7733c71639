-- A warning: an id of an impression or a bid request that comes on several UTC days counts on each of them, since it is
-- looked for on its day only. A build looks at the days it changes.
{{ config(severity='warn', meta={'has_message': true}) }}

{%- set keys = {'impressions': ['impression_id'], 'bid_requests': ['exchange', 'auction_id']} %}

with

{% for kind, key in keys.items() %}
    {{ kind }} as (

        select
            source,
            {{ key | last }} as id,
            {{ 'exchange' if 'exchange' in key else "''" }} as exchange,
            event_date

        from {{ ref('int_' ~ kind) }}

        {% if kind == 'impressions' -%}
            where has_own_id
        {%- endif %}

    ),

    {{ kind }}_repeated as (

        select
            '{{ kind | replace('_', ' ') }}' as kind,
            changed.source,
            changed.id

        from {{ kind }} as changed

        inner join {{ kind }} as every
            on changed.id = every.id and changed.exchange = every.exchange

        where {{ is_pending('changed.event_date', kind) }}

        group by
            changed.source,
            changed.exchange,
            changed.id

        having min(every.event_date) < max(every.event_date)

    ),
{% endfor %}
unioned as (

    {% for kind in keys %}
        select * from {{ kind }}_repeated
        {% if not loop.last %}

            union all

        {% endif %}
    {% endfor %}

)

select
    kind,
    source,
    count(*) as ids,
    source || ': ' || cast(count(*) as varchar) || ' ids of ' || kind || ' come on several days, such as ' || min(id)
    || ', and count on each; a clock that is wrong or a log that was written twice does that' as message

from unioned

group by
    kind,
    source
