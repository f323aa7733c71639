"""`sources.yml`: what it says, and every mistake in it as one line that names file, source and key."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from adhouse.errors import CommandError, Exit
from adhouse.settings import Settings, read_settings
from extract.declared.documentation import keys_table, presets_list
from extract.declared.keys import PRESET_NAMES, PRESETS, json_schema
from extract.declared.sources import preset
from extract.profile import Column, Profile
from extract.registry import KINDS, SOURCES

ROOT = Path(__file__).parents[2]


def settings_of(tmp_path: Path, text: str, **environment: str) -> Settings:
    file = tmp_path / "sources.yml"
    file.write_text(text)
    return read_settings({"ADHOUSE_SOURCES": str(file), **environment})


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(CommandError) as raised:
        assert settings_of(tmp_path, text).sources
    assert raised.value.code == Exit.USAGE
    assert raised.value.way_out == f"mend {tmp_path / 'sources.yml'}; `adhouse sources` checks it"
    return raised.value.message.splitlines()


def mistake(tmp_path: Path, keys: str) -> str:
    """The one mistake in the keys of a source, without where it is."""
    (one,) = mistakes(tmp_path, f"sources: {{shop: {{kind: campaign_delivery, {keys}}}}}")
    return one.removeprefix("sources.yml line 1: shop.")


def test_without_a_file_there_are_the_sources_that_are_built_in() -> None:
    settings = read_settings({})
    assert settings.sources.keys() == SOURCES.keys()
    assert settings.declared == {}


def test_a_file_that_the_environment_names_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.yml: No such file"):
        assert read_settings({"ADHOUSE_SOURCES": str(tmp_path / "nowhere.yml")}).sources


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "sources:\n", "sources: {}\n"])
def test_a_file_without_sources_declares_none(tmp_path: Path, text: str) -> None:
    assert settings_of(tmp_path, text).sources.keys() == SOURCES.keys()


def test_every_key_says_what_the_profile_says(tmp_path: Path) -> None:
    text = """
sources:
  shop:
    kind: campaign_delivery
    account: 0012
    currency: {column: Currency code}
    timezone: Europe/Berlin
    replaces: days
    optional: [state, zipcode]
    files:
      format: csv
      encoding: utf-16
      delimiter: tab
      header_line: 3
      skip_rows: 1
      decimal: ","
      thousands: "."
      currency_signs: €
      nulls: ["--", null, no]
      date_format: "%d/%m/%Y"
      records: data.items
      sheet: 2026
    columns:
      campaign_id: Campaign ID
      spend: {name: metrics.cost_micros, divide_by: 1000000}
      brand: {constant: NO}
"""
    shop = settings_of(tmp_path, text).sources["shop"]
    assert (shop.name, shop.kinds[0].name, shop.api) == ("shop", "campaign_delivery", None)
    assert (shop.replaces, shop.timezone, shop.preset) == ("days", "Europe/Berlin", None)
    assert shop.profile == Profile(
        {
            "campaign_id": Column("Campaign ID"),
            "spend": Column("metrics.cost_micros", divide_by=Decimal(1_000_000)),
            "brand": Column(constant="NO"),
            "account": Column(constant="0012"),
            "currency": Column("Currency code"),
        },
        format="csv",
        encoding="utf-16",
        delimiter="\t",
        header_line=3,
        skip_rows=1,
        decimal=",",
        thousands=".",
        currency_signs=("€",),
        nulls=frozenset({"--", "null", "no"}),
        date_format="%d/%m/%Y",
        records="data.items",
        sheet="2026",
        optional=frozenset({"state", "zipcode"}),
    )


def test_a_currency_may_be_part_of_a_columns_name(tmp_path: Path) -> None:
    text = "sources: {shop: {kind: campaign_delivery, currency: eur, columns: {spend: 'Amount ({currency})'}}}"
    profile = settings_of(tmp_path, text).sources["shop"].profile
    assert profile.columns == {"spend": Column("Amount (EUR)"), "currency": Column(constant="EUR")}
    said = mistake(tmp_path, "columns: {spend: 'Amount ({currency})'}")
    assert said == "currency is to be said as a code such as EUR: the column of spend is called 'Amount ({currency})'"


def test_a_column_may_have_one_of_several_names(tmp_path: Path) -> None:
    text = """
sources:
  shop:
    kind: campaign_delivery
    currency: EUR
    account: {column: [Account ID, Account]}
    columns:
      campaign_id: [Campaign ID, Campaign]
      spend: {name: ["Cost ({currency})", Cost], divide_by: 100, if_null: 0}
"""
    assert settings_of(tmp_path, text).sources["shop"].profile.columns == {
        "campaign_id": Column("Campaign ID", others=("Campaign",)),
        "spend": Column("Cost (EUR)", others=("Cost",), divide_by=Decimal(100), if_null="0"),
        "account": Column("Account ID", others=("Account",)),
        "currency": Column(constant="EUR"),
    }


def test_a_preset_is_overridden_key_by_key(tmp_path: Path) -> None:
    text = """
sources:
  search:
    preset: google_ads
    files: {decimal: ",", thousands: ".", currency_signs: }
    columns: {brand: {constant: Acme}, ad_id: Ad group ID, country: }
"""
    shipped, ours = preset("google_ads"), settings_of(tmp_path, text).sources["search"]
    assert (ours.preset, ours.replaces, ours.kinds[0].name) == ("google_ads", shipped.replaces, shipped.kind)
    assert (ours.profile.decimal, ours.profile.thousands, ours.profile.currency_signs) == (",", ".", ())
    assert "--" in ours.profile.nulls
    assert ours.profile.columns["brand"] == Column(constant="Acme")
    assert ours.profile.columns["ad_id"] == Column("Ad group ID")
    assert ours.profile.columns["campaign_id"] == Column("Campaign ID", others=("Campaign",))
    assert shipped.columns is not None
    assert "country" in shipped.columns
    assert "country" not in ours.profile.columns


def test_every_mistake_is_told_with_file_line_source_and_key(tmp_path: Path) -> None:
    text = """sources:
  Google Ads:
    preset: google_ads
  ../up: {}
  shop:
    kind: campaign_delivery
    files: {delimeter: tab, header_line: x, decimal: ";"}
    delimiter: tab
    columns:
      cmpaign_id: X
      spend: {nme: Y, divide_by: 0}
  shop:
    kind: campaign_delivery
  empty:
  wrong: [1]
extra: 1
"""
    rule = "a name wants up to 50 small letters, digits and underscores, a letter first"
    assert mistakes(tmp_path, text) == [
        f"sources.yml line 2: Google Ads cannot be the name of a folder: {rule}, such as `google_ads`",
        f"sources.yml line 4: ../up cannot be the name of a folder: {rule}, such as `up`",
        "sources.yml line 7: shop.files.decimal is ';'; it can be '.' or ','",
        "sources.yml line 7: shop.files.delimeter is no key here; did you mean `delimiter`?",
        "sources.yml line 7: shop.files.header_line is 'x', not a whole number",
        "sources.yml line 8: shop.delimiter is no key here: it stands in the source's `files.delimiter`",
        "sources.yml line 10: shop.columns.cmpaign_id is no field of ours; did you mean `campaign_id`?",
        "sources.yml line 11: shop.columns.spend.divide_by is 0; it must be greater than 0",
        "sources.yml line 11: shop.columns.spend.nme is no key here; did you mean `name`?",
        "sources.yml line 12: shop stands here twice; keep one of them",
        f"sources.yml line 14: empty wants `kind:` ({', '.join(KINDS)}) or a `preset:`",
        "sources.yml line 15: wrong wants keys below it, such as `preset:` or `kind:`",
        "sources.yml line 16: extra is no key of this file: sources stand below `sources:`",
    ]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("preset: gogle_ads", "preset is 'gogle_ads'; it can be amazon_ads, cm360, dv360, google_ads"),
        ("replaces: all", "replaces is 'all'; files can replace file_name, days, nothing"),
        ("replaces: day", "replaces is 'day'; it can be 'file_name', 'days', 'nothing' or 'all'"),
        ("replaces: {name_part: '('}", "replaces.name_part is '(', which is no regular expression"),
        ("identical_rows: count", "identical_rows is for events"),
        ("id: none", "id is for kinds whose records have an id of their own"),
        ("kind_of: {column: a, kinds: {clicks: c}}", "kind_of goes with no `kind`"),
        ("columns: {spend: {multiply_by: 0}}", "columns.spend.multiply_by is 0; it must be greater than 0"),
        ("account: [a]", "account.constant wants one text"),
        ("account: {column: []}", "account.column wants a text, or a list with some"),
        ("account: {}", "account wants a text, or `column:` and nothing else"),
        ("account: A, columns: {account: B}", "columns.account is said twice: also by `account:` of the source"),
        ("preset: ../presets/google_ads", "preset is '../presets/google_ads'; it can be "),
        ("columns: {currency: {constant: EURO}}", "currency is 'EURO', not a code of three letters such as EUR"),
        ("currency: EURO", "currency is 'EURO', not a code of three letters such as EUR"),
        ("timezone: Mars/Olympus", "timezone is 'Mars/Olympus'; it can be an IANA name such as Europe/Berlin"),
        ("timezone: ../../etc/passwd", "timezone is '../../etc/passwd'; it can be an IANA name"),
        ("optional: [spend]", "optional can name text fields alone; give spend a column or a constant"),
        ("optional: [citty]", "optional.citty is no field of ours; did you mean `city`?"),
        ("optional: city", "optional wants a list, such as [a, b]"),
        ("files: {encoding: utf-99}", "files.encoding is 'utf-99', which is no encoding of text"),
        ("files: {encoding: hex}", "files.encoding is 'hex', which is no encoding of text"),
        ("files: {delimiter: tabs}", "files.delimiter is 'tabs'; it can be one character, comma, semicolon"),
        ("files: {date_format: '%d'}", "files.date_format is '%d', which does not tell a day; such as %d/%m/%Y"),
        ("files: {date_format: 'DD/MM/YYYY'}", "files.date_format is 'DD/MM/YYYY', which does not tell a day"),
        ("files: {thousands: '.'}", "files has '.' as decimal sign and between thousands: say both"),
        ("files: {header_line: 0}", "files.header_line is 0; it must be at least 1"),
        ("files: csv", "files wants keys below it"),
        ("files: {format: [csv]}", "files.format is ['csv']; it can be 'csv', 'json', 'parquet' or 'xlsx'"),
        ("spend: Cost", "spend is no key here: it stands in the source's `columns.spend`"),
        ("columns: {spend: ''}", "columns.spend.name wants a text that is not blank"),
        ("columns: {brand: {constant: A, name: B}}", "columns.brand has a constant, which goes with no other key"),
        ("columns: {brand: {divide_by: 2}}", "columns.brand.divide_by divides a number, and brand is not one"),
        ("columns: {spend: {divide_by: nan}}", "columns.spend.divide_by is 'nan', not a number"),
        ("columns: {clicks: {constant: many}}", "columns.clicks.constant is 'many', which is no count"),
        ("columns: {date: {constant: 3/4/2026}}", "columns.date.constant is '3/4/2026', which is no date"),
        (
            "columns: {spend: [Cost, 'Total'], conversions: [Orders, total]}",
            "columns.conversions takes the same column as spend",
        ),
        ("columns: {spend: Cost, conversions: cost }", "columns.conversions takes the same column as spend"),
        ("columns: {spend: Clicks}", "columns.spend takes the same column as clicks"),
    ],
)
def test_a_mistake_says_what_would_be_right(tmp_path: Path, keys: str, said: str) -> None:
    assert mistake(tmp_path, keys).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sources:\n  a: {\n", "line 3: this is not YAML: "),
        ("sources:\n\ta: 1\n", "line 2: this is not YAML: "),
        ("sources: *nowhere\n", "line 1: this is not YAML: "),
        ("a: 1\n---\nb: 2\n", "line 2: this is not YAML: "),
        ("sources: [a]\n", "line 1: wants the names of sources below it"),
        ("shop\n", ": is not `sources:` with the names of sources below it"),
        ("[" * 10_000, ": this is nested too deep"),
        ("sources: &none {}\nmore: *none\n", "line 2: more is no key of this file"),
    ],
)
def test_what_is_not_a_declaration_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (one,) = mistakes(tmp_path, text)
    assert one.removeprefix("sources.yml").removeprefix(" ").startswith(said)


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 9)]
    (one,) = mistakes(tmp_path, "\n".join(["l0: &l0 [x]", *levels]))
    assert re.search(r"this has more than 20,000 values$", one)


def test_bytes_that_are_no_text_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "sources.yml").write_bytes(b"sources: \xff\xfe\xfa")
    with pytest.raises(CommandError, match=r"^sources\.yml: this is not YAML"):
        assert read_settings({"ADHOUSE_SOURCES": str(tmp_path / "sources.yml")}).sources


def test_a_built_in_source_takes_a_profile_and_keeps_what_it_is(tmp_path: Path) -> None:
    text = (
        'sources: {campaign_files: {files: {decimal: ","}}, campaign_api: {columns: {spend: cost}, replaces: nothing}}'
    )
    settings = settings_of(tmp_path, text, ADHOUSE_API_FIELDS="ad_id=creative")
    assert settings.sources.keys() == SOURCES.keys()
    assert settings.sources["campaign_files"].profile.decimal == ","
    api = settings.sources["campaign_api"]
    assert (api.api, api.replaces) == (SOURCES["campaign_api"].api, "nothing")
    assert settings.fields_of("campaign_api") == {"spend": "cost", "ad_id": "creative"}
    assert settings.campaign_answers == "add"
    assert settings_of(tmp_path, text, ADHOUSE_API_ANSWERS="replace").campaign_answers == "replace"
    assert settings_of(tmp_path, text, ADHOUSE_API_ANSWERS="by_day").sources["campaign_api"].replaces == "days"
    assert mistakes(tmp_path, "sources: {campaign_api: {files: {nulls: '--'}, replaces: file_name}}") == [
        "sources.yml line 1: campaign_api.files goes with files, and this source is an API",
        "sources.yml line 1: campaign_api.replaces is 'file_name'; an API can replace days, nothing, all",
    ]


def test_what_decides_how_records_are_read_is_told_for_a_declared_source(tmp_path: Path) -> None:
    def read_with(keys: str) -> str:
        settings = settings_of(tmp_path, f"sources: {{shop: {{kind: campaign_delivery, {keys}}}}}")
        return settings.sources["shop"].read_with(settings.report_timezone, "")

    every = {"", "timezone: Europe/Berlin", "optional: [city]", "account: A", "columns: {spend: Cost}"}
    assert len({read_with(keys) for keys in every}) == len(every)
    assert read_with("optional: [city, state]") == read_with("optional: [state, city]")


def test_the_schema_for_editors_is_that_of_the_models() -> None:
    way_out = 'python -c "from extract.declared.keys import json_schema; print(json_schema(), end=str())" >'
    assert (ROOT / "sources.schema.json").read_text() == json_schema(), f"make it again: {way_out} sources.schema.json"


def test_the_tables_of_the_documentation_are_those_of_the_models() -> None:
    page = (ROOT / "docs" / "sources.md").read_text()
    for name, table in (("keys", keys_table()), ("presets", presets_list())):
        shown = page.partition(f"<!-- {name}: begin -->\n")[2].partition(f"<!-- {name}: end -->")[0]
        assert shown.strip() == table.strip()


def test_the_example_is_in_order_and_every_preset_of_it_exists(tmp_path: Path) -> None:
    text = (ROOT / "sources.yml.example").read_text()
    assert text.startswith("# yaml-language-server: $schema=sources.schema.json\n")
    declared = settings_of(tmp_path, text).declared
    assert {"google_ads", "partner"} <= declared.keys()
    commented = re.sub(r"^  # (?=\w+:$|  )", "  ", text, flags=re.MULTILINE)
    assert settings_of(tmp_path, commented).declared.keys() - declared.keys() == {
        "google_ads_de",
        "shop",
        "campaign_files",
    }


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_a_preset_says_what_to_download_and_where_that_is_documented(name: str) -> None:
    shipped = preset(name)
    assert shipped.title
    assert len(shipped.report) > 50
    assert {"campaign_id", "date", "impressions", "clicks", "spend"} <= (shipped.columns or {}).keys()
    assert re.search("^# https://", (PRESETS / f"{name}.yml").read_text(), re.MULTILINE)


def test_editors_take_the_example_for_right() -> None:
    example, schema = yaml.safe_load((ROOT / "sources.yml.example").read_text()), json.loads(json_schema())
    jsonschema.validate(example, schema)
    wrong: tuple[dict[str, Any], ...] = (
        {"colums": {}},
        {"columns": {"spent": "Cost"}},
        {"columns": {"spend": {"divide_by": "x", "other": 1}}},
        {"files": {"skip_rows": "x"}},
        {"preset": "gogle_ads"},
    )
    for keys in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"sources": {"shop": keys}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"sources": {"Google Ads": {}}}, schema)
    jsonschema.validate({"sources": {"shop": {"account": 12, "columns": {"date": "Day"}, "files": None}}}, schema)
