"""`sources.yml`: what it says, and every mistake in it as one line that names file, source and key."""

import json
import re
from datetime import UTC, date, datetime
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
from extract.http.profile import NO_RECORDS, ApiProfile, Auth, Paging
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


def test_every_key_of_an_api_says_what_the_profile_says(tmp_path: Path) -> None:
    text = """
sources:
  shop:
    kind: campaign_delivery
    timezone: Asia/Tokyo
    columns: {spend: cost.amount}
    api:
      url: https://ads.example.com/v1/
      path: reports/{day}
      params: {version: 07}
      json: {day: "{day:%Y%m%d}", rows: 100, exact: 1.5, is_daily: true, id: 0012, other: "5", none: , all: [1, a]}
      headers: {X-Version: 2}
      token_env: SHOP_TOKEN
      auth: {type: header, name: X-Api-Key}
      since: 2026-01-01
      records: data.items
      paging: {type: cursor, param: page.token, path: next_page, has_more: more, size: 9, size_param: n, sent_in: query}
      total: summary.total
      pages:
      day: meta.day
      empty: [404, no_records]
      ignored: token
      nulls: "--"
      decimal: ","
"""
    shop = settings_of(tmp_path, text).sources["shop"]
    assert shop.replaces == "days"
    assert shop.profile == Profile({"spend": Column("cost.amount")}, nulls=frozenset({"--"}), decimal=",")
    body = {"day": "{day:%Y%m%d}", "rows": 100, "exact": 1.5, "is_daily": True}
    body |= {"id": "0012", "other": "5", "none": None, "all": [1, "a"]}
    assert shop.api == ApiProfile(
        url="https://ads.example.com/v1",
        path="/reports/{day}",
        method="POST",
        parameters={"version": "07"},
        json=body,
        headers={"X-Version": "2"},
        token_env="SHOP_TOKEN",
        auth=Auth("header", "X-Api-Key"),
        since=date(2026, 1, 1),
        records="data.items",
        paging=Paging("cursor", "page.token", "next_page", None, 9, "n", "more", "query"),
        total="summary.total",
        pages=None,
        day="meta.day",
        empty=frozenset({404, NO_RECORDS}),
        ignored=frozenset({"token"}),
    )


AN_API = 'url: "https://ads.example.com", params: {date: "{day}"}'
BY_TOKEN = "token_env: SHOP_TOKEN"
NO_SECRET = "a secret must not stand in this file: put it into an environment variable, and its name into `token_env`"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("url: 1", "url wants an address such as https://ads.example.com/v1"),
        ("url: 'ftp://ads.example.com'", "url wants an address such as"),
        ("url: 'https://ads.example.com:99999'", "url wants an address such as"),
        ("url: 'https://me:canary-1@ads.example.com'", f"url has a user or password in it, and {NO_SECRET}"),
        ("url: 'https://ads.example.com?key=canary-1'", "url ends where the path does: what stands behind `?` goes"),
        ("url: 'https://ads.example.com/{day}'", "url is the same for all days"),
        (f"{AN_API}, path: 'https://other.example.com/'", "path wants the path behind `url`"),
        (f"{AN_API}, path: '/x?token=canary-1'", "path wants the path behind `url`"),
        (f"{AN_API}, token: canary-1", f"token is no key here, and {NO_SECRET}"),
        (f"{AN_API}, token_env: canary-1", "token_env wants the name of an environment variable, such as SHOP_TOKEN"),
        (f"{AN_API}, token_env: CANARY1", "token_env wants the name of an environment variable, such as SHOP_TOKEN"),
        (f"{AN_API}, {BY_TOKEN}, auth: canary-1", "auth.type can be 'bearer', 'basic', 'header' or 'query'"),
        (f"{AN_API}, {BY_TOKEN}, auth: {{password: canary-1}}", f"auth.password is no key here, and {NO_SECRET}"),
        (f"{AN_API}, {BY_TOKEN}, auth: query", "auth wants the `name` of the parameter"),
        (f"{AN_API}, auth: basic", "has `auth` and no `token_env`"),
        (f"{AN_API}, headers: {{Authorization: canary-1}}", f"headers has 'Authorization', and {NO_SECRET}"),
        (f"{AN_API}, headers: {{X-Id: Bearer canary-1}}", f"headers has 'X-Id', and {NO_SECRET}"),
        (f"{AN_API}, headers: {{Host: other.example.com}}", "headers cannot have 'Host'"),
        (f'{AN_API}, headers: {{X-Id: "a\\nb"}}', "headers has a value of X-Id with characters that no header can"),
        (f"{AN_API}, json: {{auth: {{apiKey: canary-1}}}}", f"json has 'apiKey', and {NO_SECRET}"),
        (f"{AN_API}, json: {{a: 1}}, method: get", "has `json`, which goes with `method: POST`"),
        (f"{AN_API}, json: [1]", "json wants keys below it"),
        (f"{AN_API}, method: PUT", "method is 'PUT'; it can be 'GET' or 'POST'"),
        (f"{AN_API}, since: yesterday", "since is 'yesterday', not a day such as 2026-11-28"),
        (f"{AN_API}, since: 0026-01-01", "since is '0026-01-01', not a day such as 2026-11-28"),
        ('url: "https://a.example", params: {date: "{day:\\0}"}', "is asked for a day and has no {day}: say it, as in"),
        (f"{AN_API}, empty: [404, 500]", "empty is '500'; it can be no_records, or a status such as 404"),
        (f"{AN_API}, empty: 401", "empty is '401'; it can be no_records, or a status such as 404"),
        (f"{AN_API}, paging: cursr", "paging.type is 'cursr'; it can be 'page_number', 'offset', 'cursor', 'json_l"),
        (f"{AN_API}, paging: {{type: header_link, param: p}}", "paging has `param`, which goes with `type: "),
        (f"{AN_API}, paging: {{size: 0}}", "paging.size is 0; it must be at least 1"),
        (f"{AN_API}, paging: {{sent_in: body}}", "has `paging.sent_in: body`, which goes with `method: POST`"),
        (f"{AN_API}, paging: {{param: date}}", "has 'date' in `params`, which `paging` sends"),
        (f"{AN_API}, paginator: cursor", "paginator is no key here; did you mean `paging`?"),
        ("params: {date: '{day}'}", "wants `url:`, the address of the API"),
        ("url: 'https://a.example', params: {access_token: canary-1}", f"params has 'access_token', and {NO_SECRET}"),
        ("url: 'https://ads.example.com'", "is asked for a day and has no {day}: say it, as in"),
    ],
)
def test_a_mistake_in_an_api_says_what_would_be_right_and_no_secret(tmp_path: Path, keys: str, said: str) -> None:
    one = mistake(tmp_path, f"api: {{{keys}}}")
    assert one.removeprefix("api").lstrip(". ").startswith(said)
    assert "canary" not in one.lower()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("api:", "api wants `url:`, the address of the API"),
        ("api: https://ads.example.com", "api wants keys below it"),
        (f"replaces: all, api: {{{AN_API}}}", "api has a {day}, which goes with `replaces: days`"),
        (f"replaces: file_name, api: {{{AN_API}}}", "replaces is 'file_name'; an API can replace days, nothing, all"),
        (f"files: {{nulls: x}}, api: {{{AN_API}}}", "files goes with files, and this source is an API"),
        (f"url: x, api: {{{AN_API}}}", "url is no key here: it stands in the source's `api.url`"),
        (f"nulls: x, api: {{{AN_API}}}", "nulls is no key here: it stands in the source's `api.nulls`"),
    ],
)
def test_an_api_is_no_source_of_files(tmp_path: Path, keys: str, said: str) -> None:
    assert mistake(tmp_path, keys).startswith(said)


def test_an_api_is_not_asked_twice_for_the_same(tmp_path: Path) -> None:
    text = f"sources:\n  one: {{kind: campaign_delivery, api: {{{AN_API}}}}}\n"
    twice = text + f"  two: {{kind: campaign_delivery, account: B, api: {{records: data, {AN_API}}}}}\n"
    (one,) = mistakes(tmp_path, twice)
    assert one == "sources.yml line 3: two.api asks for the same as one, and its money would count twice"
    other = text + f"  two: {{kind: campaign_delivery, api: {{path: /other, {AN_API}}}}}\n"
    assert len(settings_of(tmp_path, other).declared_apis) == 2


def test_the_campaign_api_can_be_described_and_keeps_its_address(tmp_path: Path) -> None:
    text = "sources: {campaign_api: {api: {records: data, paging: {type: cursor, path: after}}}}"
    settings = settings_of(tmp_path, text, ADHOUSE_API_URL="https://me:canary-one@ads.example.com/")
    api = settings.sources["campaign_api"].api
    assert api == ApiProfile(records="data", paging=Paging("cursor", path="after"))
    assert settings.declared_apis == {}
    assert settings.address_of(settings.sources["campaign_api"]) == "https://ads.example.com/campaign-data"
    assert mistakes(
        tmp_path, f"sources: {{campaign_api: {{api: {{{AN_API}}}}}, campaign_files: {{api: {{{AN_API}}}}}}}"
    ) == [
        "sources.yml line 1: campaign_api.api.url is said in the environment for campaign_api: ADHOUSE_API_URL",
        "sources.yml line 1: campaign_files.api is not for campaign_files, which is files: declare another source",
    ]


def test_tokens_are_looked_up_checked_and_redacted(tmp_path: Path) -> None:
    text = f"""
sources:
  one: {{kind: campaign_delivery, api: {{{AN_API}, token_env: ONE_TOKEN}}}}
  two: {{kind: campaign_delivery, api: {{{AN_API}, token_env: TWO_LOGIN, auth: basic}}}}
  three:
    kind: campaign_delivery
    api: {{{AN_API.replace("https", "http")}, token_env: ONE_TOKEN, since: 2026-01-02}}
"""
    tokens = {"ONE_TOKEN": " canary-one ", "TWO_LOGIN": "me:canary-two"}
    settings = settings_of(tmp_path, text, **tokens)
    settings.check_tokens(settings.sources)
    assert settings.token_of(settings.sources["one"]) == "canary-one"
    assert settings.redact("canary-one, canary-two, bWU6Y2FuYXJ5LXR3bw==") == "[redacted], [redacted], [redacted]w=="
    assert "canary" not in repr(settings)
    assert settings.sends_secrets_openly == ["the `url` of three"]
    assert settings.window(datetime(2026, 2, 1, tzinfo=UTC), settings.sources["three"])[0] == date(2026, 1, 2)
    for name, token, said in [
        ("ONE_TOKEN", "", "ONE_TOKEN is not set in the environment, and one asks with it"),
        ("ONE_TOKEN", "canary", "ONE_TOKEN has 6 characters, too few to tell it from ordinary words"),
        ("TWO_LOGIN", "canary-two", "TWO_LOGIN is not `user:password`, which two sends by `auth: basic`"),
    ]:
        wrong = settings_of(tmp_path, text, **{**tokens, name: token})
        with pytest.raises(CommandError) as raised:
            wrong.check_tokens(["one", "two"])
        assert (raised.value.message, raised.value.code) == (said, Exit.USAGE)
        wrong.check_tokens(["campaign_files"])
    broken = settings_of(tmp_path, "sources: {one: {}}", **tokens)
    assert broken.redact("canary-one") == "canary-one"  # nothing is asked with it


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
    assert shipped.replaces
    assert (ours.preset, ours.replaces, ours.kinds[0].name) == ("google_ads", shipped.replaces.what, shipped.kind)
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
        ("id: some", "id is 'some'; it can be 'none', or a list of our fields that are the id together"),
        ("id: [date]", "id is for kinds whose records have an id of their own"),
        ("id: [dat]", "id.dat is no field of ours; did you mean `date`?"),
        ("kind_of: {column: a, kinds: {clicks: c}}", "kind_of goes with no `kind`"),
        ("kind_of: {column: a, columns: {clicks: c}}", "kind_of wants `column:` and `kinds:`, or `columns:` alone"),
        ("kind_of: {kinds: {clicks: c}}", "kind_of wants `column:` and `kinds:`, or `columns:` alone"),
        ("kind_of: {columns: {clicks: c, bids: c}}", "kind_of has a column in `columns:` that tells of two kinds"),
        ("files: {time_origin: '2026-11-01T00:00:00Z'}", "files.time_origin is for events"),
        (
            "files: {time_origin: '2026-11-01T00:00:00'}",
            "files.time_origin is '2026-11-01T00:00:00', which is no instant",
        ),
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
        ("files: {format: [csv]}", "files.format is ['csv']; it can be 'csv', 'json', 'parquet', 'xlsx' or 'avro'"),
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
    assert settings.answers_of("campaign_api") == "add"
    assert settings_of(tmp_path, text, ADHOUSE_API_ANSWERS="replace").answers_of("campaign_api") == "replace"
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
    told = [
        f"sources: {{shop: {{kind_of: {{columns: {{{one}}}}}}}}}"
        for one in ("clicks: a, bids: b", "bids: b, clicks: a")
    ]
    declared = [settings_of(tmp_path, text).sources["shop"] for text in told]
    assert len({shop.read_with(settings_of(tmp_path, told[0]).report_timezone, "") for shop in declared}) == 2
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
        "shop_api",
        "campaign_files",
    }


def test_the_worked_example_of_the_documentation_is_in_order(tmp_path: Path) -> None:
    for block in re.findall("```yaml\n(sources:.*?)```", (ROOT / "docs" / "sources.md").read_text(), re.DOTALL):
        assert settings_of(tmp_path, block).declared


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
