"""What a file is: told by its content, and by its name where the content leaves that open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, TypeAlias, cast

from extract.containers import BrokenContainerError, inner_name, is_zip, start_of_content
from extract.readers.unreadable import UnreadableFile

Format: TypeAlias = Literal["csv", "json", "parquet", "xlsx", "avro"]
FORMATS: dict[str, Format] = {
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".avro": "avro",
}
_ANY_TEXT = {"", ".txt", ".xls", ".xlsx"}  # what is called so, but by its content is no workbook
_PARQUET, _AVRO, _OLD_WORKBOOK = b"PAR1", b"Obj\x01", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKUP = re.compile(rb"\s*<(!doctype|html|head|body|script|meta|style|table|\?xml|!--)", re.IGNORECASE)
_JSON = re.compile(rb"\s*(\{\s*[\"}]|\[\s*[\[{\]])")


def format_named(name: str) -> Format | None:
    """The format that a file's name says, whether it is packed or not; None if it says none."""
    return FORMATS.get(Path(re.sub(r"\.(gz|zip)$", "", name.lower())).suffix)


def format_of(path: Path, said: str | None = None) -> Format | None:
    """The format of a file; None if it is a text of which only its beginning, unpacked, can tell.

    Args:
        path: The file.
        said: The format that its source says its files have, whatever they are called.

    Raises:
        UnreadableFile: `unknown_format`, `broken_zip` or `several_files`.
    """
    try:
        name, start = inner_name(path), start_of_content(path, len(_OLD_WORKBOOK))
    except BrokenContainerError as broken:
        raise UnreadableFile(broken.reason, broken.detail) from None
    suffix = Path(name.lower()).suffix
    if is_zip(start):
        return "xlsx"
    if start.startswith(_PARQUET):
        return "parquet"
    if start.startswith(_AVRO):
        return "avro"
    if start == _OLD_WORKBOOK:
        raise UnreadableFile("unknown_format", "a workbook of an old Excel, or one with a password: save it as .xlsx")
    format_ = said or FORMATS.get(suffix)
    if format_ in ("csv", "json", "parquet", "avro"):
        return cast(Format, format_)
    if suffix in _ANY_TEXT:
        return None
    raise UnreadableFile(
        "unknown_format", f"readable are .txt, {', '.join(FORMATS)}; all of them also with .gz or .zip"
    )


def format_of_text(head: bytes, format_: Format | None) -> Format:
    """The format of a text, given how it begins and what is known of it.

    Raises:
        UnreadableFile: `not_a_table`: it is a page for a browser.
    """
    if _MARKUP.match(head):
        raise UnreadableFile("not_a_table", "XML" if head.lstrip().startswith(b"<?xml") else "HTML")
    return "json" if format_ == "json" or _JSON.match(head) else "csv"
