"""What all parts of the language of `sources.yml` share: texts, and how values are written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

THOUSANDS = {"comma": ",", "point": ".", "space": " ", "apostrophe": "'"}
A_DAY = datetime(2026, 11, 28)  # noqa: DTZ001 - any day that month and day cannot be confused of


class Keys(BaseModel):
    """Some keys of the language; no others are known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def one_of(names: Mapping[str, str]) -> AfterValidator:
    """Takes a character, or a word for one."""

    def character(text: str) -> str:
        found = chr(int(text, 16)) if re.fullmatch("0x[0-9a-fA-F]{2}", text) else names.get(text, text)
        if len(found) != 1:
            raise ValueError(f"is {text!r}; it can be one character, {listed([*names])}, or its code, such as 0x01")
        return found

    return AfterValidator(character)


def listed(names: Sequence[str]) -> str:
    """Names as a sentence lists what there is to choose from."""
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names)


def _date_format(text: str) -> str:
    try:
        if datetime.strptime(A_DAY.strftime(text), text).date() == A_DAY.date():  # noqa: DTZ007
            return text
    except ValueError:
        pass
    raise ValueError(f"is {text!r}, which does not tell a day; such as %d/%m/%Y")


def _instant(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"is {text!r}, which is no instant with its zone; such as 2026-11-01T00:00:00Z")
    return text


def _not_empty(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not texts:
        raise ValueError("wants a text, or a list with some")
    return texts


def alone(key: str, keys: type[Keys]) -> BeforeValidator:
    """Takes a text alone, or a list of them, for a mapping with one key."""
    return BeforeValidator(lambda value: value if isinstance(value, dict) else {key: value}, Text | list[Text] | keys)


# A scalar is read as the text that stands there, but an editor sees a number.
Text = Annotated[
    str, StringConstraints(min_length=1, strip_whitespace=True), WithJsonSchema({"type": ["string", "number"]})
]
Verbatim = Annotated[str, StringConstraints(min_length=1), WithJsonSchema({"type": "string"})]
Texts = Annotated[
    tuple[Text, ...],
    AfterValidator(_not_empty),
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [{"type": "array", "items": {"type": ["string", "number"]}}, {"type": "string"}]}),
]


class ValuesKeys(Keys):
    """How values are written."""

    decimal: Literal[".", ","] | None = Field(
        None, description="the decimal sign; default: a point, and what could be read two ways is rejected"
    )
    thousands: Annotated[Verbatim, one_of(THOUSANDS)] | None = Field(
        None, description="what stands between groups of three digits: a character, or `space`; default: nothing may"
    )
    currency_signs: Texts | None = Field(None, description="texts that may stand before or behind a number")
    nulls: Texts | None = Field(None, description="texts that say that there is no value, such as `--`")
    date_format: Annotated[Text, AfterValidator(_date_format)] | None = Field(
        None, description="how dates and times are written, as `%d/%m/%Y %H:%M`; default: `2026-11-28`"
    )
    time_origin: Annotated[Text, AfterValidator(_instant)] | None = Field(
        None, description="the instant since which events' times count seconds, such as `2026-11-01T00:00:00Z`"
    )

    @model_validator(mode="after")
    def _signs_differ(self) -> ValuesKeys:
        if self.thousands is not None and self.thousands == (self.decimal or "."):
            raise ValueError(f"has {self.thousands!r} as decimal sign and between thousands: say both")
        return self
