"""Privacy: what private fields say is replaced before it reaches the lake, by what nobody can trace back."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from extract.convert import canonical, text_of
from extract.schema import Kind


@dataclass(frozen=True)
class Privacy:
    """How the private fields of a source are replaced: the same text gives the same digits, as long as the key is kept.

    Attributes:
        key: The secret key.
        names: What private fields are called, by us and by the source, in lower case.
    """

    key: bytes
    names: frozenset[str]

    def pseudonym(self, text: str) -> str:
        """HMAC-SHA256 (RFC 2104) over the UTF-8 of a trimmed text, as 64 lower-case hex digits."""
        return hmac.digest(self.key, text.encode(), "sha256").hex()

    def has(self, name: str) -> bool:
        """Whether a private field is called so."""
        return name.strip().lower() in self.names

    def treated(self, members: Mapping[str, object]) -> dict[str, object]:
        """Parsed members with what private ones say replaced, however deep they are; null stays null."""
        return {name: self._replaced(one) if self.has(name) else self._searched(one) for name, one in members.items()}

    def _searched(self, value: object) -> object:
        if isinstance(value, dict):
            return self.treated(value)
        return [self._searched(member) for member in value] if isinstance(value, list) else value

    def _replaced(self, value: object) -> str | None:
        if value is None:
            return None
        text = text_of(value) if isinstance(value, str) else canonical(value)
        return None if text is None else self.pseudonym(text)


def privacy_of(kinds: Sequence[Kind], fields: Mapping[str, str], key: str) -> Privacy | None:
    """How the private fields of a source are replaced, which calls fields as `fields` says; None if no kind has any.

    A field that is private in one of several kinds is private in every record of the source.

    Raises:
        ValueError: There are private fields and no key.
    """
    private = {field for kind in kinds for field in kind.record_type.private}
    if not private:
        return None
    if not key:
        raise ValueError("there are private fields, which need a key")
    names = private | {fields.get(field, field) for field in private}
    names |= {name.rpartition(".")[2] for name in names}  # of a path the last key is what stands before the value
    return Privacy(key.encode(), frozenset(name.strip().lower() for name in names))
