"""JSON texts of what lies in records of Avro, for many records at once: each different value is made once.

What a value means at its place is asked of what reads records one by one, given nothing but that value. An object or a
list is then put together of its parts, as long as nothing is said of it as a whole.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.convert import RecordRejected, canonical
from extract.privacy import Privacy
from extract.readers.avro_nodes import LIST, MAP, RECORD, Convert, Node
from extract.readers.events import known_people
from extract.remarks import Remarked
from extract.schema import Parts

Codes: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]
Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
_MOST_KNOWN, _LONGEST_KNOWN = 16_384, 2_048  # values of a place, and their length
_BY_VALUE = 2  # the version of `marshal` whose bytes say what a value is, and not which objects it is made of
_PLAIN_ID = "^[0-9A-Za-z]([0-9A-Za-z_-]*[0-9A-Za-z])?$"  # of a person, with nothing that must be cleaned one by one
_FLOATS = {"float": (pa.int32(), "<i", "<f"), "double": (pa.int64(), "<q", "<d")}


class Refused:
    """What a value becomes for which its record is to be looked at by itself."""


@dataclass(frozen=True)
class Texts:
    """The texts of some values.

    Attributes:
        codes: Of each value, which of the texts it has.
        texts: The different texts; null where there is none.
        is_refused: Which of them are none because the record is to be looked at by itself.
        keys: Of objects in a list, the texts of that by which they are told apart.
    """

    codes: Codes
    texts: pa.StringArray
    is_refused: Mask
    keys: pa.StringArray | None = None


Make: TypeAlias = Callable[[pa.Array], Texts]


@dataclass(frozen=True)
class Place:
    """Where values lie.

    Attributes:
        convert: What becomes of the whole in which they lie.
        name: What the place is called.
        path: The dotted path to it.
        within: Makes a whole that has nothing but a value at the place.
        before: How the text of such a whole begins.
        behind: How it ends.
        has_nulls: Whether there are texts that mean null.
    """

    convert: Convert
    name: str
    path: str
    within: Convert = lambda value: value
    before: str = ""
    behind: str = ""
    has_nulls: bool = False

    def member(self, name: str) -> Place:
        """The place of a member of an object."""
        path = f"{self.path}.{name}" if self.path else name
        return replace(
            self,
            name=name,
            path=path,
            within=lambda value: self.within({name: value}),
            before=self.before + "{" + canonical(name) + ":",
            behind="}" + self.behind,
        )

    def item(self) -> Place:
        """The place of what a list has."""
        before, behind = self.before + "[", "]" + self.behind
        return replace(self, within=lambda value: self.within([value]), before=before, behind=behind)

    def text(self, value: object) -> object:
        """The text of a value; None if the whole then has nothing there."""
        try:
            whole = self.convert(self.within(value))
        except (RecordRejected, RecursionError):
            return Refused
        if isinstance(whole, Remarked):
            return Refused
        if not isinstance(whole, str) or not whole.startswith(self.before):
            return None
        return whole[len(self.before) : len(whole) - len(self.behind)]

    def text_of_unknown(self, privacy: Privacy | None, value: object) -> object:
        """The text of a value of which nothing is known: only what is private in it matters, if it says anything."""
        kept = value if privacy is None else privacy.treated_at(self.path, value)
        return canonical(kept) if isinstance(kept, str) and kept.strip() else self.text(value)


def texts_of(node: Node, place: Place, privacy: Privacy | None, key: str | None = None) -> Make:
    """How the values at a place become texts.

    Args:
        node: What lies there.
        place: The place.
        privacy: What is private, and becomes a pseudonym.
        key: By which member objects are told apart.
    """
    is_private = privacy is not None and privacy.is_private(place.name, place.path)
    if is_private or not _is_made_of_parts(node):
        is_scalar = node.kind not in (LIST, MAP, RECORD)
        if not is_scalar or node.known is not None or place.has_nulls or "." in place.name:
            return Values(node, place.text).texts
        is_id = is_private and node.kind == "string"
        return Values(node, partial(place.text_of_unknown, privacy), privacy if is_id else None).texts
    if node.item is not None:
        return Lists(place, texts_of(node.item, place.item(), privacy)).texts
    return Objects(place, node, node.by_name, privacy, key).texts


def _is_made_of_parts(node: Node) -> bool:
    if node.kind == RECORD:
        return node.known is None or (isinstance(node.known, Parts) and node.known.key is None)
    return node.kind == LIST and node.known is None


def distinct(node: Node, array: pa.Array) -> tuple[Codes, pa.Array]:
    """Which of the different values each is, and those; of fractions their bits, as 0.0 and -0.0 are not the same."""
    if node.kind in (LIST, MAP, RECORD):
        return np.arange(len(array), dtype=np.int32), array
    if node.kind == "string":
        array = array.cast(pa.string())
    elif node.kind in _FLOATS:
        array = array.view(_FLOATS[node.kind][0])
    encoded = array.dictionary_encode("encode")
    return np.asarray(encoded.indices), encoded.dictionary


class Values:
    """Makes something of values, each different one once."""

    def __init__(self, node: Node, make: Convert, privacy: Privacy | None = None) -> None:
        """Takes how a value as JSON has it is made; or what makes pseudonyms of it, if it is an id of a person."""
        self._node, self._make, self._privacy = node, make, privacy
        self._known: dict[object, object] = {}

    def made(self, different: pa.Array) -> list[object]:
        """What becomes of each."""
        return [self._made(one) for one in different.to_pylist()]

    def texts(self, array: pa.Array) -> Texts:
        """What becomes of each as texts."""
        codes, different = distinct(self._node, array)
        if self._privacy is None:
            return Texts(codes, *_texts(self.made(different)))
        is_plain = pc.fill_null(pc.match_substring_regex(different, _PLAIN_ID), False)
        texts, is_refused = _texts(self.made(different.filter(pc.invert(is_plain))))
        nothing = self._made(None)
        ids = _quoted_pseudonyms(different.filter(is_plain), self._privacy)
        all_texts = pc.replace_with_mask(pa.nulls(len(different), pa.string()), is_plain, pc.fill_null(ids, nothing))
        all_refused = np.zeros(len(different), np.bool_)
        all_refused[~np.asarray(is_plain)] = is_refused
        return Texts(codes, pc.replace_with_mask(all_texts, pc.invert(is_plain), texts), all_refused)

    def _made(self, raw: Any) -> object:
        key = marshal.dumps(raw, _BY_VALUE) if isinstance(raw, list | dict) else raw
        known = self._known
        if key in known:
            return known[key]
        if raw is None:
            value = None
        else:
            if self._node.kind in _FLOATS:
                _, bits, number = _FLOATS[self._node.kind]
                (raw,) = struct.unpack(number, struct.pack(bits, raw))
            value = self._node.convert(self._node.value(raw))
        made = self._make(value)
        if len(known) >= _MOST_KNOWN:
            known.clear()
        if not isinstance(key, str | bytes) or len(key) <= _LONGEST_KNOWN:
            known[key] = made
        return made


def _texts(made: Sequence[object]) -> tuple[pa.StringArray, Mask]:
    is_refused = np.array([one is Refused for one in made], np.bool_)
    return pa.array([None if one is Refused else one for one in made], pa.string()), is_refused


def _quoted_pseudonyms(ids: pa.StringArray, privacy: Privacy) -> pa.StringArray:
    """The pseudonyms of ids that are not odd, in quotes; null of nobody."""
    if not len(ids):
        return ids
    people, _ = known_people(ids)
    return pc.binary_join_element_wise('"', privacy.pseudonyms(people), '"', "").combine_chunks()


class Objects:
    """Makes texts of objects from those of their members."""

    def __init__(
        self, place: Place, node: Node, names: Collection[str], privacy: Privacy | None, key: str | None = None
    ) -> None:
        """Takes where they lie, which members of a record are wanted, and by which of them they are told apart."""
        found = node.by_name
        self._numbers = {name: found[name][0] for name in sorted(names)}
        self._members = {name: texts_of(found[name][1], place.member(name), privacy) for name in self._numbers}
        self._key = key
        self._null, self._empty = place.text(None), place.text({})

    def texts(self, array: pa.StructArray) -> Texts:
        """The texts of an array of records."""
        members = {name: make(array.field(self._numbers[name])) for name, make in self._members.items()}
        is_there = np.asarray(array.is_valid())
        codes, places = _together([*(one.codes for one in members.values()), *([is_there] if array.null_count else [])])
        is_null = places[:, -1] == 0 if array.null_count else np.zeros(len(places), np.bool_)
        is_refused, parts, keys = np.zeros(len(places), np.bool_), [], None
        for place, (name, one) in zip(places.T, members.items(), strict=False):  # the last may be whether it is null
            is_refused |= one.is_refused[place]
            named = pc.binary_join_element_wise(f",{canonical(name)}:", one.texts, "")
            parts.append((pc.fill_null(named, "") if named.null_count else named).take(pa.array(place)))
            if name == self._key:
                keys = one.texts.take(pa.array(place))
        joined = pc.binary_join_element_wise(*parts, "")
        texts = pc.binary_join_element_wise(pc.binary_replace_slice(joined, 0, 1, "{"), "}", "")
        texts = pc.if_else(pc.equal(joined, ""), pa.scalar(self._empty, pa.string()), texts)
        texts = pc.if_else(pa.array(is_null), pa.scalar(self._null, pa.string()), texts)
        return Texts(codes, texts, is_refused & ~is_null, keys)


class Lists:
    """Makes texts of lists from those of what they have."""

    def __init__(self, place: Place, items: Make, *, has_key: bool = False) -> None:
        """Takes where they lie, and whether they are of objects that are told apart by a key."""
        self._items, self._has_key = items, has_key
        self._null, self._empty = place.text(None), place.text([])

    def texts(self, array: pa.LargeListArray) -> Texts:
        """The texts of an array of lists."""
        items = self._items(array.flatten())
        is_refused_item = items.is_refused
        if self._has_key:
            is_refused_item = is_refused_item | (True if items.keys is None else np.asarray(items.keys.is_null()))
        is_null = np.asarray(array.is_null())
        codes, edges, flat = _lists_apart(items.codes, np.asarray(pc.fill_null(pc.list_value_length(array), 0)))
        lists = pa.ListArray.from_arrays(pa.array(edges), items.texts.take(pa.array(flat)))
        texts = pc.binary_join_element_wise("[", pc.binary_join(lists, ","), "]", "")
        has_none = edges[1:] == edges[:-1]
        texts = pc.if_else(pa.array(has_none), pa.scalar(self._empty, pa.string()), texts)
        before = np.append(0, np.cumsum(is_refused_item[flat]))
        is_refused = before[edges[1:]] > before[edges[:-1]]
        if self._has_key and items.keys is not None:
            is_refused |= _has_twice(np.asarray(items.keys.dictionary_encode("encode").indices)[flat], edges)
        if is_null.any():
            codes = np.where(is_null, np.int32(len(texts)), codes)
            texts = pa.concat_arrays([texts, pa.array([self._null], pa.string())])
            is_refused = np.append(is_refused, False)
        return Texts(codes, texts, is_refused)


def _together(columns: Sequence[Codes]) -> tuple[Codes, Codes]:
    """Which of the different rows of codes each is, and those."""
    if len(columns) == 1:
        count = int(columns[0].max(initial=-1)) + 1
        return columns[0], np.arange(count, dtype=np.int32)[:, np.newaxis]
    rows = np.empty((len(columns[0]), len(columns)), np.int32)
    for number, column in enumerate(columns):
        rows[:, number] = column
    bytes_ = pa.Array.from_buffers(pa.binary(4 * len(columns)), len(rows), [None, pa.py_buffer(rows)])
    encoded = bytes_.dictionary_encode()
    count = len(encoded.dictionary)
    different = np.frombuffer(encoded.dictionary.buffers()[1] or b"", np.int32)
    return np.asarray(encoded.indices), different[: count * len(columns)].reshape(count, len(columns))


def _lists_apart(codes: Codes, lengths: Codes) -> tuple[Codes, Codes, Codes]:
    """Which of the different lists of codes each is, where those begin and the last one ends, and their codes."""
    edges = np.append(0, np.cumsum(lengths)).astype(np.int32) * 4
    data = pa.py_buffer(np.ascontiguousarray(codes, np.int32))
    encoded = pa.Array.from_buffers(pa.binary(), len(lengths), [None, pa.py_buffer(edges), data]).dictionary_encode()
    _, offsets, different = encoded.dictionary.buffers()
    begins = np.frombuffer(offsets or bytes(4), np.int32)[: len(encoded.dictionary) + 1] // 4
    return np.asarray(encoded.indices), begins, np.frombuffer(different or b"", np.int32)[: begins[-1]]


def _has_twice(keys: Codes, edges: Codes) -> Mask:
    """Which lists have a key twice."""
    found = np.zeros(len(edges) - 1, np.bool_)
    of_list = np.repeat(np.arange(len(found)), np.diff(edges))
    pairs = np.sort(of_list * (int(keys.max(initial=0)) + 1) + keys)
    again = pairs[1:][pairs[1:] == pairs[:-1]]
    found[again // (int(keys.max(initial=0)) + 1)] = True
    return found
