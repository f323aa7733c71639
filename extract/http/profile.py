"""How an API is asked, and where its answers say what; as it is made without arguments, adhouse's own API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal

NO_RECORDS = "no_records"
"""Of `ApiProfile.empty`: a page of a day without records does not have the list at all."""

_PLACEHOLDER = re.compile(r"\{(day|next_day|since|until)(?::([^{}\0]*))?\}")


@dataclass(frozen=True)
class Auth:
    """Where the token goes.

    Attributes:
        type: `bearer`: the header `Authorization`, behind that word; `basic`: the same, of a token that is a user and a
            password with a colon between them; `header` and `query`: one of that name.
        name: The name of the header or parameter.
    """

    type: Literal["bearer", "basic", "header", "query"] = "bearer"
    name: str = "Authorization"


@dataclass(frozen=True)
class Paging:
    """How to ask for the pages of an answer. The types are called as dlt's paginators are.

    Attributes:
        type: `page_number`: by their number; `offset`: by the number of records before; `cursor`: by a cursor or token
            in the page before; `json_link` and `header_link`: by a link there, or in its header `Link`; `single_page`.
        param: The parameter for the number, offset or cursor; None: `page`, `offset`, `cursor`.
        path: Where a page has the cursor, token or link; with numbers a link there is not followed, only checked.
        start: The first number or offset; None: 1 for pages, 0 for offsets.
        size: How many records to ask for in a page. With it, pages by number whose count nobody tells are asked for
            until one is empty, as it always is by offset.
        size_param: The parameter for the size.
        has_more: Where a page says that there is another one: all but null, empty, zero and no means yes.
        sent_in: Where the number, offset, cursor and size go: in the `query` or, by dotted paths, in the `body`; None:
            in the body if there is one.
    """

    type: Literal["page_number", "offset", "cursor", "json_link", "header_link", "single_page"] = "page_number"
    param: str | None = None
    path: str = "next"
    start: int | None = None
    size: int | None = None
    size_param: str = "limit"
    has_more: str | None = None
    sent_in: Literal["query", "body"] | None = None

    @property
    def parameter(self) -> str:
        """The parameter for the number, offset or cursor."""
        return self.param or {"page_number": "page"}.get(self.type, self.type)

    @property
    def first(self) -> int:
        """The first number or offset."""
        return self.start if self.start is not None else int(self.type == "page_number")


@dataclass(frozen=True)
class ApiProfile:
    """How an API is asked, and where its pages say what. A place is a dotted path, such as `data.list`.

    Attributes:
        url: Its address; None: the setting of `campaign_api`.
        token_env: The environment variable that has its token; None: that of `campaign_api`, or no token if it has an
            address of its own.
        path: The path of its address that has the records.
        method: How it is asked.
        parameters: What is asked for, name → value. `{day}`, `{next_day}` and, of all that is wanted, `{since}` and
            `{until}` stand for dates, as ISO 8601 writes them or as said behind a colon: `{day:%Y%m%d}`. Without days
            those with `{day}` or `{next_day}` are left out. The same goes for `path` and `json`.
        json: What is asked for in the body.
        headers: What every request says beside the token.
        auth: Where the token goes.
        since: The first day that is asked for; None: that of the settings.
        records: Where a page has its records, if it is not itself the list of them.
        paging: How to ask for the pages of an answer.
        total: Where a page says how many records there are in all; the header `X-Total-Count` may say so instead.
        pages: Where it says how many pages there are.
        page: Where it says which one it is.
        day: Where it says which day it is about.
        empty: What says that a day is empty, beside 204, `{}` and a list that is null or empty: other statuses, such as
            404, and `no_records`.
        ignored: Names of keys that look as if they told of more pages or records, and do not.
    """

    url: str | None = None
    token_env: str | None = None
    path: str = "/campaign-data"
    method: Literal["GET", "POST"] = "GET"
    parameters: Mapping[str, str] = field(default_factory=lambda: {"date": "{day}"})
    json: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Auth = Auth()
    since: date | None = None
    records: str = "records"
    paging: Paging = Paging()
    total: str | None = "total"
    pages: str | None = "pages"
    page: str | None = "page"
    day: str | None = "date"
    empty: frozenset[int | str] = frozenset()
    ignored: frozenset[str] = frozenset()

    def renamed(self, names: Mapping[str, str]) -> ApiProfile:
        """The same with other names of `records`, `total`, `pages`, `page` and `next`, where they are among these."""
        places = {name: names[name] for name in ("records", "total", "pages", "page") if name in names}
        paging = replace(self.paging, path=names["next"]) if "next" in names else self.paging
        return replace(self, **places, paging=paging)  # type: ignore[arg-type]

    def decides(self) -> dict[str, Any]:
        """What decides how landed pages are read, for JSON; nothing for adhouse's own API."""
        plain = ApiProfile()
        told: dict[str, Any] = {} if self.records == plain.records else {"records": self.records}
        return told | ({NO_RECORDS: True} if NO_RECORDS in self.empty else {})

    @property
    def pages_in_body(self) -> bool:
        """Whether the body says which page is wanted."""
        return self.json is not None if self.paging.sent_in is None else self.paging.sent_in == "body"

    @property
    def named_dates(self) -> frozenset[str]:
        """The dates that it is asked by: of `day`, `next_day`, `since` and `until` those that stand in its texts."""
        texts = _texts([self.path, [*self.parameters.values()], self.json])
        return frozenset(found[1] for text in texts for found in _PLACEHOLDER.finditer(text))

    def asked_for(self, day: date | None, since: date, until: date) -> ApiProfile:
        """The same, asked for a day, or for what there is: with the dates where they are named."""
        dates = {"since": since, "until": until}
        if day is not None:
            dates |= {"day": day, "next_day": day + timedelta(days=1)}

        def fill(found: re.Match[str]) -> str:
            return format(dates[found[1]], found[2] or "%Y-%m-%d") if found[1] in dates else found[0]

        def is_known(value: object) -> bool:
            return not isinstance(value, str) or all(found[1] in dates for found in _PLACEHOLDER.finditer(value))

        def filled(value: Any) -> Any:
            match value:
                case str():
                    return _PLACEHOLDER.sub(fill, value)
                case Mapping():
                    return {name: filled(one) for name, one in value.items() if is_known(one)}
                case list():
                    return [filled(one) for one in value if is_known(one)]
            return value

        return replace(self, path=filled(self.path), parameters=filled(self.parameters), json=filled(self.json))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)


def found_at(place: str, members: object) -> object:
    """The value at a dotted path in an object of JSON, None where there is none. A name may have dots itself."""
    if not isinstance(members, dict):
        return None
    if place in members:
        value: object = members[place]
        return value
    name, _, rest = place.partition(".")
    while rest:
        if name in members:
            return found_at(rest, members[name])
        more, _, rest = rest.partition(".")
        name = f"{name}.{more}"
    return None
