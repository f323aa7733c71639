"""The text of a declaration: YAML as plain data, with the line of every key, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

MOST_VALUES = 20_000  # an alias may repeat what repeats another one
NULL = "tag:yaml.org,2002:null"

Place = tuple[str, ...]
"""The keys that lead to a value, from the top."""


class Unquoted(str):
    """A value that stands there without quotes, so that `1000` could be meant as a number."""


class TextError(Exception):
    """The text is not YAML.

    Attributes:
        line: Where, from 1, if that is known.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class Text:
    """What a text says.

    Attributes:
        data: Mappings and lists of texts. A value that is empty, `null` or `~` is None.
        lines: The line of each key, from 1.
        twice: The keys that stand there twice, with the line of the second.
    """

    data: object = None
    lines: dict[Place, int] = field(default_factory=dict)
    twice: list[tuple[Place, int]] = field(default_factory=list)

    def line_of(self, place: Place) -> int | None:
        """The line of a key, or of the nearest one above it that is in this text."""
        found = (self.lines[place[:length]] for length in range(len(place), 0, -1) if place[:length] in self.lines)
        return next(found, None)


def read_text(content: bytes) -> Text:
    """Reads YAML. Every scalar is the text that stands there: `0012` keeps its zeros, and `no` is not false.

    Raises:
        TextError: It is not YAML, or repeats itself without end.
    """
    try:
        node = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        said = ", ".join(filter(None, (error.context, error.problem)))
        raise TextError(
            f"this is not YAML: {said}", error.problem_mark.line + 1 if error.problem_mark else None
        ) from None
    except yaml.YAMLError as error:
        raise TextError(f"this is not YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise TextError("this is nested too deep") from None
    text = Text()
    if node is not None:
        text.data = _plain(node, (), text, iter(range(MOST_VALUES)))
    return text


def as_json(data: object) -> object:
    """The same data for a document of JSON: what is not quoted, and a number, true, false or null in JSON, is that."""
    match data:
        case dict():
            return {name: as_json(value) for name, value in data.items()}
        case list():
            return [as_json(value) for value in data]
        case Unquoted():
            try:
                value = json.loads(data, parse_constant=str)
            except ValueError:
                return str(data)
            return value if value is None or isinstance(value, bool | int | float) else str(data)
    return data


def _plain(node: yaml.Node, place: Place, text: Text, count: Iterator[int], *, is_item: bool = False) -> object:
    if next(count, None) is None:
        raise TextError(f"this has more than {MOST_VALUES:,} values", node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        found: dict[str, object] = {}
        for key_node, value in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in found:
                text.twice.append(((*place, key), line))
                continue
            text.lines[*place, key] = line
            found[key] = _plain(value, (*place, key), text, count)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, place, text, count, is_item=True) for item in node.value]
    if node.tag == NULL and not is_item:
        return None
    is_quoted = isinstance(node, yaml.ScalarNode) and node.style is not None
    return node.value if is_quoted else Unquoted(node.value)
