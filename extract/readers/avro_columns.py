"""Records of Avro column by column: what reading them one by one gives, with each different value converted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from extract.convert import LONGEST_TEXT, RecordRejected
from extract.readers.avro_arrow import Decoder
from extract.readers.avro_nodes import LIST, MAP, RECORD, Convert, Node
from extract.readers.avro_texts import Lists, Make, Mask, Objects, Place, Refused, Texts, Values, distinct, texts_of
from extract.readers.avro_values import IN_A_SECOND
from extract.readers.columns import Remarks, convert_column
from extract.readers.events import instants
from extract.readers.numbers import characters_of
from extract.records import Batch, RecordShape, convert_records, interleaved
from extract.remarks import WHOLE_DAY, Remarked
from extract.schema import FieldType

Said = list[tuple[Mask, str]]
Column = Callable[[pa.Array, Mask, Said], pa.Array]

_LAST_SECOND = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())  # of the years that every calendar knows


class AvroColumns:
    """Makes of blocks what `convert_records` makes of their records; the few that need it are given to it.

    Attributes:
        most: How many bytes of blocks to give at once.
    """

    def __init__(self, record: Node, as_json: Convert, shape: RecordShape) -> None:
        """Takes what its writer's schema says, and how the records are written.

        Args:
            record: What lies in a record, by the names that `shape` has.
            as_json: How a record as `fastavro` decodes it becomes JSON's.
            shape: Without filter, paths and notes.
        """
        self._record, self._as_json, self._shape = record, as_json, shape
        self._decoder = Decoder(record)
        self.most = self._decoder.most
        nodes = record.by_name
        self._columns = {
            name: (nodes[said][0], _column(nodes[said][1], name, shape)) for name, said in shape.names.items()
        }
        others = nodes.keys() - {*shape.names.values()} - shape.skip
        nulls = bool(shape.profile.nulls)
        extra = Place(lambda value: None if value is None else shape.extra_text(value), "", "", has_nulls=nulls)
        self._extras = Objects(extra, record, others, shape.privacy).texts if others else None

    def batch(self, blocks: Sequence[tuple[bytes, int]]) -> Batch | None:
        """The records of some blocks; None if they cannot be decoded so."""
        records = self._decoder.records(blocks)
        if records is None:
            return None
        is_odd, said = np.zeros(len(records), np.bool_), Said()
        table = self._table(records, is_odd, said)
        kept = np.flatnonzero(~is_odd)
        if len(kept) < len(records):
            table = table.take(kept)
        table = table.append_column("_position", pa.array(np.arange(1, len(kept) + 1)))
        remarks = Counter(remark for rows, remark in said for _ in range(np.count_nonzero(rows & ~is_odd)))
        batch = Batch(table.cast(self._shape.type.schema), [], remarks=remarks)
        if len(kept) == len(records):
            return batch
        odd = np.flatnonzero(is_odd)
        values = (self._as_json(self._record.value(one)) for one in records.take(odd).to_pylist())
        return interleaved([(batch, kept + 1), (convert_records(values, self._shape), odd + 1)], 0)

    def _table(self, records: pa.StructArray, is_odd: Mask, said: Said) -> pa.Table:
        """The raw columns; marks the records that are to be looked at one by one, and adds what is to be said."""
        types, constants = self._shape.type, self._shape.constants
        columns: dict[str, pa.Array] = {}
        for name, field_type in types.fields.items():
            if name in self._columns:
                place, column = self._columns[name]
                columns[name] = column(records.field(place), is_odd, said)
            else:
                columns[name] = pa.repeat(pa.scalar(constants.get(name), field_type.raw_type), len(records))
        for name in types.needed:
            is_odd |= np.asarray(columns[name].is_null())
        if types.is_event:
            whole_days = np.zeros(len(records), np.bool_)
            for rows, remark in said:
                whole_days |= rows if remark == WHOLE_DAY else False
            columns["_is_whole_day"] = pa.array(whole_days)
        extras = self._extras
        columns["_extra"] = pa.nulls(len(records), pa.string()) if extras is None else _all(extras(records), is_odd)
        return pa.table(columns)


def _column(node: Node, name: str, shape: RecordShape) -> Column:
    """How the values of a field become raw ones."""
    if shape.type.fields[name] is not FieldType.JSON or node.kind not in (LIST, MAP, RECORD):
        return _Scalars(node, name, shape).cells
    make = _objects(node, name, shape)
    return lambda array, is_odd, said: _all(make(array), is_odd)


def _all(texts: Texts, is_odd: Mask) -> pa.StringArray:
    """The text of each record, of which those that have none are odd."""
    is_odd |= texts.is_refused[texts.codes]
    return texts.texts.take(pa.array(texts.codes))


def _objects(node: Node, name: str, shape: RecordShape) -> Make:
    """How the objects or lists of a field become texts."""
    parts, place = shape.type.parts.get(name), _place(name, shape)
    if node.kind != LIST or parts is None or parts.key is None or node.item is None:
        return texts_of(node, place, shape.privacy)
    # An object in a list that is told apart by a key means the same alone, but that it has to have one.
    alone = replace(parts, key=None)
    of_one = replace(shape, type=replace(shape.type, parts={**shape.type.parts, name: alone}))
    items = texts_of(replace(node.item, known=alone), _place(name, of_one), shape.privacy, parts.key)
    return Lists(place, items, has_key=True).texts


def _place(name: str, shape: RecordShape) -> Place:
    convert, path = shape.converter(name), shape.names[name]
    return Place(lambda value: None if value is None else convert(value), path.rpartition(".")[2], path)


class _Scalars:
    """Makes raw values of a field that is no object."""

    def __init__(self, node: Node, name: str, shape: RecordShape) -> None:
        self._node, self._name, self._shape = node, name, shape
        self._type = shape.type.fields[name]
        self._values = Values(node, _cell(shape, name))

    def cells(self, array: pa.Array, is_odd: Mask, said: Said) -> pa.Array:
        """The raw values of an array."""
        found = self._at_once(array)
        if found is not None:
            return found
        codes, different = distinct(self._node, array)
        made = self._values.made(different)
        is_odd |= np.array([one is Refused for one in made], np.bool_)[codes]
        remarks = [one.remark if isinstance(one, Remarked) else None for one in made]
        for remark in {one for one in remarks if one is not None}:
            said.append((np.array([one == remark for one in remarks])[codes], remark))
        plain = [one.value if isinstance(one, Remarked) else None if one is Refused else one for one in made]
        return pa.array(plain, self._type.raw_type).take(pa.array(codes))

    def _at_once(self, array: pa.Array) -> pa.Array | None:
        """The raw values of a column of which nearly all differ; None if one needs a closer look."""
        kind = self._node.kind
        if self._type is FieldType.TIMESTAMP and kind == "long":
            return self._instants(array)
        if kind != "string" or self._type not in (FieldType.TEXT, FieldType.TIMESTAMP):
            return None
        texts = array.cast(pa.string())
        if (characters_of(texts)[0] == 0).any():
            return None
        remarks = Remarks()
        try:
            found = convert_column(pa.chunked_array([texts]), self._name, self._type, self._shape, remarks)
        except (pa.ArrowInvalid, RecordRejected):
            return None
        if remarks.counts:
            return None  # of which records they are said is not known
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found

    def _instants(self, array: pa.Array) -> pa.Array | None:
        """Times that are numbers, if they are of our days."""
        shape, logical = self._shape, self._node.logical
        if shape.nulls(self._name) or (logical is None and shape.profile.time_origin):
            return None
        if logical is None:
            return instants(array.cast(pa.string()), is_utc=True)
        what, _, unit = logical.rpartition("-")
        is_utc = what == "timestamp" or (what == "local-timestamp" and shape.timezone in (None, ZoneInfo("UTC")))
        if unit not in IN_A_SECOND or not is_utc:
            return None
        ticks = IN_A_SECOND[unit]
        bounds = pc.min_max(array).as_py()
        if bounds["min"] is None or bounds["min"] < 0 or bounds["max"] >= _LAST_SECOND * ticks:
            return None
        return pc.divide(array, ticks // 10**6) if ticks > 10**6 else pc.multiply(array, 10**6 // ticks)


def _cell(shape: RecordShape, name: str) -> Convert:
    """How a value of a field becomes its raw value, or what is to be said of it, if it needs no more than itself."""
    convert, privacy = shape.converter(name), shape.privacy
    is_private = privacy is not None and name in shape.type.private
    is_text = shape.type.fields[name] is FieldType.TEXT and name not in shape.type.private

    def cell(value: object) -> object:
        try:
            found = None if value is None else convert(value)
        except (RecordRejected, RecursionError):
            return Refused
        text = found.value if isinstance(found, Remarked) else found
        if isinstance(text, str) and is_text and len(text) > LONGEST_TEXT:
            return Refused
        if isinstance(text, str) and is_private and privacy is not None:
            return privacy.pseudonym(text)
        return found

    return cell
