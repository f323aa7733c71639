"""Workbooks of a spreadsheet, as small as they can be."""

import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from xml.sax.saxutils import escape

EPOCH = date(1899, 12, 30)
_STYLES = """<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>
<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>
</styleSheet>"""
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def workbook(**sheets: Sequence[Sequence[object]]) -> bytes:
    """A workbook with sheets of these names; texts, numbers, dates, and nothing where a cell is null."""
    return of_parts({name: sheet(rows) for name, rows in sheets.items()})


def sheet(rows: Sequence[Sequence[object]]) -> str:
    """The XML of the rows of a sheet."""
    written = (
        f'<row r="{number}">{"".join(_cell(place, number, cell) for place, cell in enumerate(row))}</row>'
        for number, row in enumerate(rows, 1)
    )
    return "".join(written)


def of_parts(sheets: Mapping[str, str], shared: str = "", hidden: Collection[str] = ()) -> bytes:
    """A workbook of the XML of its sheets' rows, and of the texts that cells share; some sheets may be hidden."""
    numbers, hides = range(1, len(sheets) + 1), ' state="hidden"'
    named = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"{hides * (name in hidden)}/>'
        for n, name in zip(numbers, sheets, strict=True)
    )
    related = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    related += f'<Relationship Id="rs" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    related += f'<Relationship Id="rt" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    book = f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>{named}</sheets></workbook>'
    start = f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{start}</Relationships>',
        "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>',
        "xl/styles.xml": _STYLES,
        "xl/sharedStrings.xml": f"<sst {_MAIN}>{shared}</sst>",
    }
    for number, rows in zip(numbers, sheets.values(), strict=True):
        parts[f"xl/worksheets/sheet{number}.xml"] = f"<worksheet {_MAIN}><sheetData>{rows}</sheetData></worksheet>"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


def _cell(place: int, row: int, cell: object) -> str:
    where = f'r="{chr(ord("A") + place)}{row}"'
    match cell:
        case None:
            return ""
        case str() if cell.startswith("="):
            return f"<c {where}><f>{escape(cell[1:])}</f><v></v></c>"
        case date():
            return f'<c {where} s="1"><v>{(cell - EPOCH).days}</v></c>'
        case int() | float():
            return f"<c {where}><v>{cell!r}</v></c>"
        case _:
            return f'<c {where} t="inlineStr"><is><t>{escape(str(cell))}</t></is></c>'
