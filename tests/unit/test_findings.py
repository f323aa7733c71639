"""What is said and kept on record of a test, a model or a seed."""

from adhouse.dbt.results import Finding


def test_on_record_are_the_words_of_a_test_or_dbts_message() -> None:
    silent = Finding("unique_x", "test", "fail", 3, "Got 3 results, configured to fail if != 0")
    assert silent.recorded == silent.message
    told = Finding("assert_x", "test", "warn", 3, "Got 3 results", ("c1 has no name", "c2 has no name"))
    assert told.recorded == "c1 has no name; c2 has no name; assert_x: 1 more"


def test_a_seed_with_other_columns_says_so() -> None:
    broken = Finding(
        "places", "seed", "error", 0, "Runtime Error\n  Invalid Input Error: Error when sniffing file x.csv"
    )
    assert str(broken).startswith("seeds/places.csv has not the columns that it came with")
