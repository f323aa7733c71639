"""Which statements `adhouse sql` sends to Athena."""

import pytest

from adhouse.errors import CommandError, Exit
from adhouse.warehouse.athena_select import check_reads_published


@pytest.mark.parametrize(
    "statement",
    [
        "select * from campaign_summary",
        "SELECT s.ctr FROM marts.summary AS s, marts.daily_performance d WHERE s.ctr > 0 ORDER BY s.ctr, d.date;",
        'select * from "awsdatacatalog"."marts"."campaign_summary" -- from raw.fetches',
        "with best as (select * from marts.summary) select b.ctr, b.cpc from best b join marts.quality using (x)",
        "select extract(day from d.date), trim('x' from d.brand), 'from raw.fetches' from marts.daily_performance d",
        "select count(*) from (select d.date, d.brand from marts.daily_performance d) t cross join unnest(t.a) u",
        "select a.x from marts.a left join marts.b on a.x = b.x where a.x in (select b.x from marts.b) group by a.x",
        "show tables",
        "show tables in marts",
        "show columns from campaign_summary",
        "describe marts.campaign_summary",
    ],
)
def test_a_statement_that_reads_published_views_is_allowed(statement: str) -> None:
    check_reads_published(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "drop table marts.campaign_summary",
        "insert into marts.campaign_summary select * from marts.campaign_summary",
        "create table x as select 1",
        "unload (select 1) to 's3://x'",
        "/* select */ delete from marts.campaign_summary",
        "select 1; drop table marts.campaign_summary",
        "select * from raw.fetches",
        'select * from "raw"."fetches"',
        "select * from raw /* */ . fetches",
        "select * from raw--\n.fetches",
        "select * from marts.a, raw.fetches",
        "select * from marts.a join marts.b on a.x = b.x, raw.fetches",
        "select * from marts.a limit, raw.fetches",
        "select * from (marts.a cross join raw.fetches)",
        "select * from (table raw.fetches)",
        "select 1 union table raw.fetches",
        "select (select max(x) from raw.fetches)",
        "select extract(day from (select x from raw.fetches))",
        "select * from marts.a where x in (select x from raw.fetches)",
        "with x as (select * from marts_20261128.a) select * from x",
        "select * from other_catalog.marts.a",
        'select * from U&"raw".fetches',
        "show tables in raw",
        "show create view raw.fetches",
        "describe raw.fetches",
    ],
)
def test_any_other_statement_is_refused(statement: str) -> None:
    with pytest.raises(CommandError) as raised:
        check_reads_published(statement)
    assert raised.value.code == Exit.USAGE
