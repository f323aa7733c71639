"""What is wrong with a query is said in plain words, with what the engine knows of it."""

import pytest

from adhouse.warehouse.wrong_query import ONLY_READS, SCHEMA, wrong_query


@pytest.mark.parametrize(
    ("said", "message", "way_out"),
    [
        (
            'Catalog Error: Table with name campaign_sumary does not exist!\nDid you mean "campaign_summary"?\n\n'
            "LINE 1: from campaign_sumary\n             ^^^",
            "there is no published table campaign_sumary in: from campaign_sumary",
            "did you mean campaign_summary?",
        ),
        (
            'Catalog Error: Table with name b does not exist!\nDid you mean "duckdb_types"?\n\nLINE 1: from b\n     ^',
            "there is no published table b in: from b",
            SCHEMA,
        ),
        (
            'Binder Error: Referenced column "spent" not found in FROM clause!\nCandidate bindings: "spend", "date"',
            "there is no column spent in the tables it names",
            "did you mean spend?",
        ),
        (
            'Parser Error: syntax error at or near "a"\n\nLINE 1: selec a\n  ^',
            "it is not SQL at a in: selec a",
            "",
        ),
        (
            "Binder Error: No function matches the given name and argument types 'sum(VARCHAR)'. You might need to add "
            "explicit type casts.\n\tCandidate functions:\n\tsum(DECIMAL)\n\n\nLINE 1: select sum(a)\n  ^",
            "No function matches the given name and argument types 'sum(VARCHAR)'. You might need to add "
            "explicit type casts. in: select sum(a)",
            "",
        ),
        ("Invalid Input Error: boom", "boom", ""),
        (
            'Invalid Input Error: Cannot execute statement of type "DROP" on database "marts" which is attached in '
            "read-only mode!",
            "it would change something",
            ONLY_READS,
        ),
        (
            "COLUMN_NOT_FOUND: line 1:8: Column 'spent' cannot be resolved",
            "there is no column spent in the tables it names",
            SCHEMA,
        ),
        ("TYPE_MISMATCH: line 1:8: Unexpected parameters (varchar)", "line 1:8: Unexpected parameters (varchar)", ""),
    ],
)
def test_what_an_engine_says_becomes_plain_words(said: str, message: str, way_out: str) -> None:
    error = wrong_query(said)
    assert (error.message, error.way_out) == (f"the query failed: {message}", way_out)
