"""Rows of a subject of XML as its documents were set aside: they are read where they are asked for, often in another process."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from typing import NamedTuple

import orjson

from harmonize.extensions import extension
from harmonize.profiles.source_record import RawRow


class ElementLayout(NamedTuple):
    """The paths of the elements of an input in the order of their indexes, and how many columns each has."""

    paths: list[str]
    widths: list[int]


def element_layout(headers: Mapping[str, Sequence[str]]) -> ElementLayout:
    """The layout of rows that have the columns of *headers*, which stand in the order of their indexes."""
    return ElementLayout(list(headers), [len(header) for header in headers.values()])


class ElementRows(Mapping[str, Sequence[RawRow]]):
    """Path of the elements -> their rows, in the order of the documents.

    A document is the JSON, without blanks, of a list of (index of the path, number of the row, indexes of its cells, their texts).

    >>> rows = ElementRows([b'[[0,7,[1],["x"]]]'], element_layout({"Message": ("id", "date")}))
    >>> rows["Message"]
    [RawRow(number=7, cells=['', 'x'], whole=None)]
    """

    __slots__ = ("_layout", "_rows", "documents")

    def __init__(self, documents: Sequence[bytes], layout: ElementLayout) -> None:
        self.documents, self._layout = documents, layout
        self._rows: dict[str, list[RawRow]] | None = None

    def read(self) -> dict[str, list[RawRow]]:
        """The rows; they are read once."""
        if self._rows is None:
            rows: dict[str, list[RawRow]] = {}
            compiled = extension("harmonize.input.element_walking")
            add = compiled.add_rows if compiled is not None else _add_rows
            for document in self.documents:
                add(document, *self._layout, rows, RawRow)
            self._rows = rows  # all of them, or none
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
    document: bytes,
    names: Sequence[str],
    widths: Sequence[int],
    rows: dict[str, list[RawRow]],
    row_type: type[RawRow],
) -> None:
    for table, number, indexes, texts in orjson.loads(document):
        cells = [""] * widths[table]
        for index, text in zip(indexes, texts, strict=True):
            cells[index] = text
        rows.setdefault(names[table], []).append(row_type(number, cells))
