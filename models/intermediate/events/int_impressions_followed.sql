{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['impression_date', 'impression_id'],
) }}

with

clicked as (

    select * from {{ ref('int_impressions_clicked') }}

),

credited as (

    select * from {{ ref('int_impressions_credited') }}

),

followed as (

    select
        coalesce(clicked.impression_date, credited.impression_date) as impression_date,
        coalesce(clicked.impression_id, credited.impression_id) as impression_id,
        coalesce(clicked.clicks, 0) as clicks,
        coalesce(clicked.net_clicks, 0) as net_clicks,
        clicked.first_click_us,
        clicked.engagement_us,
        clicked.click_revenue,
        clicked._received_at,
        credited.impression_id is not null as is_credited

    from clicked

    full outer join credited
        on
            clicked.impression_date = credited.impression_date
            and clicked.impression_id = credited.impression_id

),

{% if is_incremental() %}
    known as (

        select * from {{ this }}

    ),

    -- What followed once and does so no more stays, without anything, so that its day is built again.
    compared as (

        select
            coalesce(followed.impression_date, known.impression_date) as impression_date,
            coalesce(followed.impression_id, known.impression_id) as impression_id,
            coalesce(followed.clicks, 0) as clicks,
            coalesce(followed.net_clicks, 0) as net_clicks,
            followed.first_click_us,
            followed.engagement_us,
            followed.click_revenue,
            followed._received_at,
            coalesce(followed.is_credited, false) as is_credited

        from followed

        full outer join known
            on
                followed.impression_date = known.impression_date
                and followed.impression_id = known.impression_id

        where
            known.impression_id is null
            or coalesce(followed.clicks, 0) <> known.clicks
            or coalesce(followed.net_clicks, 0) <> known.net_clicks
            or coalesce(followed.is_credited, false) <> known.is_credited
            {%- for column in ['first_click_us', 'engagement_us', 'click_revenue', '_received_at'] %}
                or followed.{{ column }} is distinct from known.{{ column }}
            {%- endfor %}

    )
{% else %}
    compared as (

        select * from followed

    )
{% endif %}

select
    *,
    {{ completed_build() }} + 1 as changed_in_build

from compared
