"""The language of `sources.yml` for an API: how it is asked, and where its answers say what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from extract.declared.text import as_json
from extract.declared.values import Keys, Text, Texts, ValuesKeys, alone
from extract.http.profile import NO_RECORDS, ApiProfile, Auth, Paging

NO_SECRETS = "a secret must not stand in this file: put it into an environment variable, and its name into `token_env`"
FIRST_YEAR = 1990  # no ad was seen on the web before
_SECRET_NAME = re.compile(
    "(?!page|next|sync|continuation).*token|.*(secret|passw|pwd|apikey|accesskey|privatekey|credential).*"
    "|.*authorization|x?auth|cookie|pass"
)
_SECRET_VALUE = re.compile(r"(Bearer|Basic|Token) \S|eyJ[\w-]{10,}\.|AIza|AKIA|EAA\w{20}|gh[ps]_|sk_|xox\w-|ya29\.")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADERS_OF_HTTP = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
_NO_ANSWERS = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


def is_secret(name: str) -> bool:
    """Whether what is called so is nobody's business."""
    return bool(_SECRET_NAME.fullmatch(re.sub("[^a-z]", "", name.lower())))


def _address(url: str) -> str:
    wanted = "wants an address such as https://ads.example.com/v1"
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or re.search(r"[\s\\]", url) or not url.isprintable():
        raise ValueError(wanted)
    if parts.username is not None or parts.password is not None:
        said = f"has a user or password in it, and {NO_SECRETS}"
        raise ValueError(f"{said}; `auth: basic` sends the `user:password` that it has")
    if parts.query or parts.fragment or url[-1] in "?#":
        raise ValueError("ends where the path does: what stands behind `?` goes into `params`")
    if "{" in url:
        raise ValueError("is the same for all days: what names one goes into `path` or `params`")
    return url.rstrip("/")


def _path(path: str) -> str:
    if re.search(r"[\s\\?#]|://", path) or not path.isprintable():
        raise ValueError("wants the path behind `url`, such as /reports; what stands behind `?` goes into `params`")
    return f"/{path.lstrip('/')}"


def _variable(name: str) -> str:
    if not re.fullmatch("[A-Z][A-Z0-9_]{0,59}", name) or ("_" not in name and re.search("[0-9]", name)):
        raise ValueError("wants the name of an environment variable, such as SHOP_TOKEN, and never the token itself")
    return name


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _HEADERS_OF_HTTP:
            raise ValueError(f"cannot have {name!r}, which is no header of one's own")
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"has a value of {name} with characters that no header can carry")
    return headers


def _day(text: object) -> object:
    try:
        if not isinstance(text, str) or date.fromisoformat(text).year >= FIRST_YEAR:
            return text
    except ValueError:
        pass
    raise ValueError(f"is {text!r}, not a day such as 2026-11-28")


def _statuses(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        is_status = re.fullmatch("4[0-9][0-9]", text) and int(text) not in _NO_ANSWERS
        if text != NO_RECORDS and not is_status:
            raise ValueError(f"is {text!r}; it can be {NO_RECORDS}, or a status such as 404 that says nothing else")
    return texts


def _document(data: object) -> object:
    return as_json(data) if isinstance(data, dict) else data


def _without_secrets(members: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, value in _values(members):
        if isinstance(value, str) and value and (is_secret(name) or _SECRET_VALUE.match(value)):
            raise ValueError(f"has {name!r}, and {NO_SECRETS}")
    return members


def _values(members: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in members.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                yield from _values(one)
            else:
                yield name, one


class AuthKeys(Keys):
    """Where the token goes."""

    type: Literal["bearer", "basic", "header", "query"] = Field(
        "bearer",
        description="`bearer`, `basic` (the variable has `user:password`), or a `header` or parameter (`query`) of "
        "that name; default: `bearer`",
    )
    name: Text | None = Field(None, description="the name of the header or parameter")

    @model_validator(mode="after")
    def _has_a_name(self) -> AuthKeys:
        if self.type in ("header", "query") and self.name is None:
            raise ValueError(f"wants the `name` of the {'header' if self.type == 'header' else 'parameter'}")
        if self.type == "basic" and self.name is not None:
            raise ValueError("has a `name`, which goes with `bearer`, `header` and `query`")
        if self.type != "query" and self.name is not None:
            _headers({self.name: ""})
        return self


class PagingKeys(Keys):
    """How to ask for the pages of an answer."""

    type: Literal["page_number", "offset", "cursor", "json_link", "header_link", "single_page"] = Field(
        "page_number",
        description="`page_number`, `offset`, `cursor` (or a token in the page before), `json_link` (a link there), "
        "`header_link` (in the header `Link`) or `single_page`; default: `page_number`",
    )
    param: Text | None = Field(
        None, description="the parameter for the number, offset or cursor; default: `page`, `offset` or `cursor`"
    )
    path: Text | None = Field(
        None, description="where a page has the cursor, token or link, such as `paging.cursors.after`; default: `next`"
    )
    start: Annotated[int, Field(ge=0)] | None = Field(
        None, description="the first number or offset; default: 1 for pages, 0 for offsets"
    )
    size: Annotated[int, Field(ge=1)] | None = Field(None, description="how many records to ask for in a page")
    size_param: Text | None = Field(None, description="the parameter for the size; default: `limit`")
    has_more: Text | None = Field(None, description="where a page says that there is another one, such as `has_more`")
    sent_in: Literal["query", "body"] | None = Field(
        None, description="where these parameters go: `query` or `body`, there by dotted paths; default: with `json`"
    )

    @model_validator(mode="after")
    def _fits_its_type(self) -> PagingKeys:
        counts, follows = ("page_number", "offset"), ("cursor", "json_link")
        goes_with = {"param": (*counts, "cursor"), "start": counts, "path": ("page_number", *follows)}
        for name, types in goes_with.items():
            if getattr(self, name) is not None and self.type not in types:
                raise ValueError(f"has `{name}`, which goes with {', '.join(f'`type: {one}`' for one in types)}")
        if self.size_param is not None and self.size is None:
            raise ValueError("has `size_param` and no `size`")
        return self


Texted = dict[Text, Text]


class ApiKeys(ValuesKeys):
    """How an API is asked, and where its answers say what."""

    url: Annotated[Text, AfterValidator(_address)] | None = Field(
        None, description="its address, such as `https://ads.example.com/v1`; without a password"
    )
    path: Annotated[Text, AfterValidator(_path)] | None = Field(
        None, description="the path behind the address that has the records, such as `/reports/{day}`"
    )
    method: Annotated[Literal["GET", "POST"], BeforeValidator(lambda value: str(value).upper())] | None = Field(
        None, description="`GET` or `POST`; default: `POST` with `json`, else `GET`"
    )
    params: Annotated[Texted, AfterValidator(_without_secrets)] | None = Field(
        None,
        description="the parameters. `{day}`, `{next_day}` or, of all that is wanted, `{since}` and `{until}` are "
        "dates, and `{day:%Y%m%d}` writes one otherwise; in `path` and `json` too",
    )
    json_: (
        Annotated[
            dict[Text, Any],
            AfterValidator(_without_secrets),
            BeforeValidator(_document),
            WithJsonSchema({"type": "object"}),
        ]
        | None
    ) = Field(None, alias="json", description="the body, as JSON; numbers, true and false without quotes are those")
    headers: Annotated[Texted, AfterValidator(_headers), AfterValidator(_without_secrets)] | None = Field(
        None, description="headers of every request, such as a version"
    )
    token_env: Annotated[Text, AfterValidator(_variable)] | None = Field(
        None, description="the environment variable that has the token; the token itself never stands in this file"
    )
    auth: Annotated[AuthKeys, alone("type", AuthKeys)] | None = Field(
        None, description="where the token goes, or its type alone; default: `bearer`"
    )
    since: Annotated[date, BeforeValidator(_day), WithJsonSchema({"format": "date"})] | None = Field(
        None, description="its first day; default: as `ADHOUSE_SINCE` says"
    )
    records: Text | None = Field(
        None, description="where a page has its list of records, such as `data.items`; default: `records`, or all of it"
    )
    paging: Annotated[PagingKeys, alone("type", PagingKeys)] | None = Field(
        None, description="how to ask for the pages, or its type alone; default: `page_number`"
    )
    total: Text | None = Field(
        None, description="where a page says how many records there are in all; default: `total`; empty: nowhere"
    )
    pages: Text | None = Field(
        None, description="where it says how many pages there are; default: `pages`; empty: nowhere"
    )
    page: Text | None = Field(None, description="where it says which one it is; default: `page`; empty: nowhere")
    day: Text | None = Field(None, description="where it says which day it is about; default: `date`; empty: nowhere")
    empty: Annotated[Texts, AfterValidator(_statuses)] | None = Field(
        None,
        description="what else says that a day is empty: a status such as `404`, or `no_records`, a page without the "
        "list; 204, `{}` and an empty list always do",
    )
    ignored: Texts | None = Field(
        None, description="keys that look as if they told of more pages or records, and do not"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> ApiKeys:
        if self.json_ is not None and self.method == "GET":
            raise ValueError("has `json`, which goes with `method: POST`")
        if self.auth is not None and self.token_env is None:
            raise ValueError("has `auth` and no `token_env`, the environment variable that has the token")
        paging = self.paging
        if paging is not None and paging.sent_in == "body" and self.method != "POST" and self.json_ is None:
            raise ValueError("has `paging.sent_in: body`, which goes with `method: POST`")
        sent = _paging(paging).parameter if paging else "page"
        if sent in (self.params or {}):
            raise ValueError(f"has {sent!r} in `params`, which `paging` sends: begin with `paging.start`, or drop it")
        return self

    def profile(self, base: ApiProfile) -> ApiProfile:
        """What they say, over what is said already."""
        named = ("url", "path", "headers", "token_env", "since", "records")
        said: dict[str, Any] = {name: getattr(self, name) for name in named}
        said |= {"parameters": self.params, "json": self.json_}
        said = {name: value for name, value in said.items() if value is not None}
        places = self.model_fields_set & {"total", "pages", "page", "day"}
        said |= {name: getattr(self, name) for name in places}  # an empty one: nowhere
        if self.method or self.json_ is not None:
            said["method"] = self.method or "POST"
        if self.auth:
            said["auth"] = Auth(self.auth.type, self.auth.name or Auth().name)
        if self.paging:
            said["paging"] = _paging(self.paging)
        if self.empty:
            said["empty"] = frozenset(int(one) if one.isdigit() else one for one in self.empty)
        if self.ignored:
            said["ignored"] = frozenset(self.ignored)
        return replace(base, **said)


def _paging(keys: PagingKeys) -> Paging:
    return Paging(**keys.model_dump(exclude_none=True))
