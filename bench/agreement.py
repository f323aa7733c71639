"""Compares the tables of a script by hand with marts: `python -m bench.agreement OURS THEIRS delivery|events`.

Exits with 1 and names what differs, so that no ratio is printed of two jobs that are not the same.
"""

import sys

import duckdb

TABLES = {
    "delivery": (
        "processed_campaign_data",
        "campaign_summary",
        "campaign_performance",
        "creative_performance",
        "source_performance",
    ),
    "events": (
        "ad_events",
        "orphan_clicks",
        "attributed_conversions",
        "campaign_attribution",
        "hourly_performance",
        "site_performance",
        "reach_frequency",
        "campaign_funnel",
        "conversion_lag",
        "audience_segments",
    ),
}
_RECEIPT = ("_source", "_received_at")  # the two jobs find the file at different places and times


def differences(handwritten: str, published: str, what: str) -> list[str]:
    """A line for each table whose rows differ, in whatever order: in their number, their sums or any value."""
    found = []
    with duckdb.connect() as connection:
        for name, path in (("handwritten", handwritten), ("published", published)):
            quoted = path.replace("'", "''")
            connection.execute(f"attach '{quoted}' as {name} (read_only)")
        for table in TABLES[what]:
            by_hand = f"handwritten.main.{table}"
            columns = [row[0] for row in connection.execute(f"describe {by_hand}").fetchall() if row[0] not in _RECEIPT]
            numbers = [
                column for column in columns if column.endswith(("impressions", "clicks", "conversions", "spend"))
            ]
            sums = "".join(f"sum({column}), " for column in numbers)
            query = f"select count(*), {sums}sum(hash({', '.join(columns)})) from "  # noqa: S608 the names are ours
            theirs, ours = (
                connection.execute(query + relation).fetchall() for relation in (by_hand, f"published.marts.{table}")
            )
            if theirs != ours:
                found.append(f"{table}: by hand {theirs[0]}, adhouse {ours[0]}")
    return found


if __name__ == "__main__":
    if different := differences(*sys.argv[1:]):
        raise SystemExit("\n".join(["the marts differ, so the two did not do the same work:", *different]))
