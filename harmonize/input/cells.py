"""Cells and column names that no format can hold: NUL characters, bytes that are not in the encoding."""

from __future__ import annotations

from collections.abc import Sequence

from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.log import ReadLog


def readable_name(name: str) -> str:
    """A column name that every format can hold: bytes that are not in the encoding show as U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def usable_cells(cells: Sequence[str], header: Sequence[str], file: str, number: int, log: ReadLog) -> Sequence[str]:
    """*cells* of row *number* of *file*; those that cannot be used are blanked and said."""
    joined = "".join(cells)
    if "\0" in joined or not (joined.isascii() or _encodable(joined)):
        return _blank_bad_cells(cells, header, file, number, log)
    return cells


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _blank_bad_cells(cells: Sequence[str], header: Sequence[str], file: str, number: int, log: ReadLog) -> list[str]:
    good = list(cells)
    for position, cell in enumerate(cells):
        if "\0" in cell:
            rule, message = "source.nul", "the cell holds a NUL character"
        elif not _encodable(cell):
            rule, message = "source.encoding", "the cell holds bytes that are no UTF-8"
        else:
            continue
        column = header[position]
        place = Cell(file, number, column)
        finding = Finding(
            rule,
            Severity.ERROR,
            message,
            Outcome.REJECTED,
            cell=place,
            fix="export the table in the encoding that the profile declares",
        )
        log.reject_cell(f"{file}/{column}", finding)
        good[position] = ""
    return good
