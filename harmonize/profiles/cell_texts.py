"""The texts of cells of one subject, and the columns that cells are counted under, of tables and of XML.

The cell of a table is told by file, row and column. That of XML by its element, whose number no other element of the input has, and by
its path; the columns of many documents are counted together, as the manifest does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harmonize.findings import Cell
from harmonize.profiles.assembly import RawSubject


class CellTexts:
    """Finds cells in raw subjects. Made for one source."""

    def __init__(self, held: Mapping[str, Sequence[str]], files: Mapping[str, str], parts: Sequence[str] = ()) -> None:
        """*held* gives the columns of every physical table, *files* its file; *parts* are the documents of XML."""
        self._files = files
        self._parts = frozenset(parts)
        self._indexes = {
            table: {column: index for index, column in enumerate(columns)} for table, columns in held.items()
        }

    def column(self, cell: Cell) -> str:
        """`file/column` that *cell* is counted under: the spelling of the manifest."""
        file = next(iter(self._files.values())) if cell.file in self._parts else cell.file
        return f"{file}/{cell.column}"

    def of(self, raw: RawSubject, cells: Iterable[Cell]) -> dict[Cell, str]:
        """The text of each of *cells*, which are all of *raw*."""
        asked = list(cells)
        wanted = {self._row(cell.file, cell.row or 0) for cell in asked}
        rows = {
            place: (table, row.cells)
            for table, several in raw.rows.items()
            for row in several
            if (place := self._row(self._files[table], row.number)) in wanted
        }
        found = {}
        for cell in asked:
            table, texts = rows[self._row(cell.file, cell.row or 0)]
            found[cell] = texts[self._indexes[table][str(cell.column)]]
        return found

    def _row(self, file: str, number: int) -> tuple[str, int]:
        return ("" if self._parts else file, number)
