"""Rows of a subject of XML as its documents were set aside: they are read where they are asked for, often in another process."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView

import orjson

from harmonize.extensions import extension
from harmonize.profiles.source_record import RawRow


class ElementRows(Mapping[str, Sequence[RawRow]]):
    """Path of the elements -> their rows, in the order of the documents.

    A document is the JSON of a list of (index of the path, number of the row, indexes of its cells, their texts).

    >>> rows = ElementRows([b'[[0, 7, [1], ["x"]]]'], {"Message": ("id", "date")})
    >>> rows["Message"]
    [RawRow(number=7, cells=['', 'x'], whole=None)]
    """

    __slots__ = ("_headers", "_rows", "documents")

    def __init__(self, documents: Sequence[bytes], headers: Mapping[str, Sequence[str]]) -> None:
        """*headers* are the columns of the paths, which stand in the order of their indexes."""
        self.documents, self._headers = documents, headers
        self._rows: dict[str, list[RawRow]] | None = None

    def read(self) -> dict[str, list[RawRow]]:
        """The rows; they are read once."""
        if self._rows is None:
            rows: dict[str, list[RawRow]] = {}
            names = list(self._headers)
            compiled = extension("harmonize.input.element_walking")
            add = compiled.add_rows if compiled is not None else _add_rows
            widths = [len(self._headers[name]) for name in names]
            for document in self.documents:
                add(orjson.loads(document), names, widths, rows, RawRow)
            self._rows = rows
        return self._rows

    def __getitem__(self, path: str) -> list[RawRow]:
        return self.read()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.read())

    def __len__(self) -> int:
        return len(self.read())

    def items(self) -> ItemsView[str, list[RawRow]]:
        """As `Mapping.items`, which would look up each path by itself."""
        return self.read().items()

    def values(self) -> ValuesView[list[RawRow]]:
        """As `Mapping.values`."""
        return self.read().values()


def _add_rows(
    document: Sequence[tuple[int, int, Sequence[int], Sequence[str]]],
    names: Sequence[str],
    widths: Sequence[int],
    rows: dict[str, list[RawRow]],
    row_type: type[RawRow],
) -> None:
    for table, number, indexes, texts in document:
        cells = [""] * widths[table]
        for index, text in zip(indexes, texts, strict=True):
            cells[index] = text
        rows.setdefault(names[table], []).append(row_type(number, cells))
