"""The pages without a browser: what they show of a build, and what they say where there is nothing to show."""

from pathlib import Path

from support.dashboard_pages import RunPage, days_back
from support.published_file import DAY, delivered, publish_invented

UNDEFINED = "–"  # noqa: RUF001


def metrics(shown: object) -> dict[str, str]:
    return {metric.label: metric.value for metric in shown.metric}  # type: ignore[attr-defined]


def test_a_folder_without_a_build_says_what_to_do(run_page: RunPage, tmp_path: Path) -> None:
    shown = run_page(tmp_path / "marts.duckdb")
    assert [info.value for info in shown.info] == [
        "Nothing is published yet. Run `adhouse run` first; this page shows it at the next reload."
    ]


def test_an_empty_build_has_empty_pages(run_page: RunPage, tmp_path: Path) -> None:
    empty = publish_invented(tmp_path / "published", [])
    for page in ("overview", "campaigns"):
        assert "There is no delivery in this period with these filters." in [
            info.value for info in run_page(empty, page).info
        ]


def test_the_overview_sums_the_chosen_and_compares_it(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(
        invented_link, cards=["Spend", "CTR", "CPA"], brand="Acme", period="Last 7 days", compare="Nothing"
    )
    assert metrics(shown) == {"Spend": "&#36;17&#46;50", "CTR": "6&#46;67&#37;", "CPA": "&#36;1&#46;75"}
    assert not shown.warning
    assert f"Data as of {DAY.replace(day=6)} 00:00 UTC" in shown.caption[0].value


def test_an_undefined_rate_is_a_dash(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(invented_link, cards=["CPC", "CPA"], ad="ad3")
    assert metrics(shown) == {"CPC": UNDEFINED, "CPA": UNDEFINED}


def test_a_period_with_nothing_before_it_is_not_compared(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(invented_link, period="Last 28 days")
    assert [metric.delta for metric in shown.metric] == [""] * 7
    assert any("not compared with" in caption.value for caption in shown.caption)


def test_campaigns_are_sorted_and_reduced_by_the_link(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(
        invented_link, "campaigns", sort="CTR", direction="Lowest first", columns=["CTR"], compare="Nothing"
    )
    table = shown.dataframe[0].value
    assert list(table.columns) == ["campaign_id", "ctr"]
    assert list(table["campaign_id"]) == ["c2", "c1"]


def test_reversed_dates_are_said(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(invented_link, period="Custom", dates=[str(DAY), str(days_back(3))], compare="Nothing")
    assert [warning.value for warning in shown.warning] == ["The dates were in reverse order."]
    assert metrics(shown)["Spend"] == "&#36;37&#46;25"


def test_a_value_that_is_not_there_is_said_until_it_is_read(run_page: RunPage, invented_link: Path) -> None:
    shown = run_page(invented_link, brand=["Acme", "![x](http://evil.example/x.png)"])
    (warning,) = shown.warning
    assert "is not in this build" in warning.value
    assert "http://" not in warning.value
    shown.run()
    assert shown.warning, "another run does not take it away"
    next(button for button in shown.button if button.label == "Understood").click()
    shown.run()
    assert not shown.warning


def test_a_new_build_is_shown_at_the_next_run(run_page: RunPage, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    old = publish_invented(folder, [delivered()])
    shown = run_page(old, cards=["Impressions"])
    assert metrics(shown) == {"Impressions": "1&#44;000"}
    publish_invented(folder, [delivered(impressions=3000)], build_id="000002-20261106T050000Z-test")
    assert metrics(shown.run()) == {"Impressions": "3&#44;000"}
