"""Elements of XML as rows: an element whose path the profile names is a row, the leaves below it are its cells.

Paths and their columns are learnt as they occur, each once; walking an element is looking them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from harmonize.errors import InputError
from harmonize.extensions import extension
from harmonize.findings import Cell, Finding, Outcome, Severity, element_number
from harmonize.input.log import ReadLog
from harmonize.profiles.specification import Profile
from harmonize.profiles.xml_assembly import DOCUMENT, SUBJECT_ELEMENT, Dialect, below, gathered

MAX_COLUMNS = 20_000
"""Paths of leaves in one input. No format has so many, and each is counted."""
_OF_SCHEMAS = "{http://www.w3.org/2001/XMLSchema-instance}"
Element = Any


class ElementRow(NamedTuple):
    """A row: the index of its physical table, its number, and its cells by index of the column."""

    table: int
    number: int
    cells: dict[int, str]


class SubjectDocument(NamedTuple):
    """The rows of a subject in the order of the document, its own first, as they are set aside."""

    identifier: str
    """Empty where the element names no subject."""
    number: int
    """That of the subject's own row."""
    rows: bytes
    """JSON, as `element_rows.ElementRows` reads it; without line breaks and tabs."""


@dataclass(slots=True)
class Column:
    """A leaf: its place among the columns of its physical table, what the profile does with it, and how many values it has."""

    name: str
    index: int
    is_slot: bool
    is_known: bool
    """Whether the profile maps it or says why it does not."""
    gathers: bool = False
    """Whether values that repeat make one text."""
    values: int = 0
    first: Cell | None = None
    """Where it first stands, if it is not known."""


@dataclass(slots=True)
class _Node:
    """A path: the physical table that its rows are of, or the one that its leaves are cells of."""

    path: str
    table: int
    is_row: bool
    children: dict[str, _Node] = field(default_factory=dict)
    attributes: dict[str, Column | None] = field(default_factory=dict)
    text: Column | None = None


class Paths:
    """The physical tables and columns of one input, learnt as they occur, and how many rows there are."""

    def __init__(self, profile: Profile) -> None:
        assert profile.assembly.xml is not None
        self.profile, self.xml = profile, profile.assembly.xml
        self.row_paths = profile.assembly.xml.row_paths
        self.specs = profile.assembly.physical_tables()
        self.tables: list[str] = []
        self.columns: list[dict[str, Column]] = []
        """Columns of each physical table by name, in the order of their indexes."""
        self.rows = 0
        self._indexes: dict[str, int] = {}
        self._learnt = 0

    def table(self, path: str) -> int:
        """The index of the physical table *path*."""
        if path not in self._indexes:
            self._indexes[path] = len(self.tables)
            self.tables.append(path)
            self.columns.append({})
        return self._indexes[path]

    def column(self, table: int, name: str) -> Column:
        """The column *name* of a physical table. Raises InputError where there are too many."""
        known = self.columns[table].get(name)
        if known is not None:
            return known
        self._learnt += 1
        if self._learnt > MAX_COLUMNS:
            raise InputError(
                f"more than {MAX_COLUMNS} different elements", fix="check that it is a file of this format"
            )
        is_slot = self._is_slot(self.tables[table], name)
        is_known = is_slot or self.profile.left_out_column(name) is not None
        gathers = self._gathers(self.tables[table], name)
        made = self.columns[table][name] = Column(name, len(self.columns[table]), is_slot, is_known, gathers)
        return made

    def _gathers(self, path: str, name: str) -> bool:
        return any(below(name, path) in table.gather for table in self.xml.tables_of(path))

    def _is_slot(self, path: str, name: str) -> bool:
        source = self.profile.source
        return any(
            name in spec.identifiers or spec.slot_of(name) in source.text_slots(spec.row_class)
            for spec in self.specs.get(path, ())
        )


class Walker:
    """Takes the rows out of the elements of one document."""

    def __init__(self, paths: Paths, dialect: Dialect, file: str, index: int, log: ReadLog) -> None:
        self.paths, self.dialect, self.file, self.index, self.log = paths, dialect, file, index, log
        self.subject_node = _Node(SUBJECT_ELEMENT, paths.table(SUBJECT_ELEMENT), is_row=True)
        self.document_node = _Node("", paths.table(DOCUMENT), is_row=True)
        self.prefix = f"{{{dialect.namespace}}}" if dialect.namespace else ""
        self.blank = frozenset(paths.profile.assembly.blank)
        self.last = 0
        self._rows: list[ElementRow] = []
        compiled = extension("harmonize.input.element_walking")
        self._walk = compiled.ElementWalk(self, SubjectDocument) if compiled is not None else None

    def subject(self, element: Element, beside: Mapping[str, str]) -> SubjectDocument:
        """The rows of a subject; *beside* are cells from beside the subjects."""
        if self._walk is not None:
            document: SubjectDocument = self._walk.subject(element, beside)
            return document
        self._rows = []
        row = self._row(self.subject_node, element)
        for name, value in beside.items():
            self._put(row, self.beside_column(name), value)
        self._walk_below(element, self.subject_node, row)
        self.paths.rows += len(self._rows)
        column = self.identifier_column()
        identifier = row.cells.get(column.index, "").strip() if column is not None else ""
        rows = [(table, number, list(cells), list(cells.values())) for table, number, cells in self._rows]
        return SubjectDocument(identifier, row.number, orjson.dumps(rows))

    def close(self) -> None:
        """Bring the counts of the columns up to date: the extension keeps its own on the way. To be called behind the last subject."""
        if self._walk is not None:
            self._walk.count()
            self._walk = None  # it knows this one, and only the collector, which runs seldom, would free its memory

    def beside_column(self, name: str) -> Column:
        """The column of the subjects' own rows that takes cells from beside the subjects."""
        return self.paths.column(self.subject_node.table, name)

    def identifier_column(self) -> Column | None:
        """The column of the subjects' own rows that identifies them; None where none was met yet."""
        return self.paths.columns[self.subject_node.table].get(self.dialect.identifier)

    def beside(self, root: Element) -> dict[str, str]:
        """The cells from beside the subjects that the dialect gives to every subject's row."""
        made = {}
        for path, column in self.dialect.document.items():
            text = root.findtext("/".join(f"{self.prefix}{step}" for step in path.split("/")))
            if text is not None and text.strip():
                made[column] = text.strip()
        return made

    def document(self, root: Element) -> None:
        """Count what stands beside the subjects; it reaches no record."""
        self._rows = []
        row = self._row(self.document_node, root)
        self._attributes(root, self.document_node, row)
        container = self.dialect.subject.split("/")[0]
        for child in root:
            if child.tag.__class__ is str and child.tag.removeprefix(self.prefix) != container:
                self._walk_below(child, self.below(self.document_node, child.tag), row)
        self.paths.rows += 1

    def _row(self, node: _Node, element: Element) -> ElementRow:
        self.last = number = element_number(self.index, element.sourceline or 1, self.last)
        row = ElementRow(node.table, number, {})
        self._rows.append(row)
        return row

    def _walk_below(self, element: Element, node: _Node, row: ElementRow) -> None:
        if element.keys():
            self._attributes(element, node, row)
        text = element.text
        if text is not None and (text := text.strip()):
            self._put(row, self.text(node), text)
        for child in element:
            tag = child.tag
            if tag.__class__ is not str:
                continue
            below = self.below(node, tag)
            self._walk_below(child, below, self._row(below, child) if below.is_row else row)
            tail = child.tail
            if tail is not None and (tail := tail.strip()):
                self._put(row, self.text(node), tail)

    def _attributes(self, element: Element, node: _Node, row: ElementRow) -> None:
        for name, value in element.items():
            column = self.attribute(node, name)
            if column is not None and (text := value.strip()):
                self._put(row, column, text)

    def attribute(self, node: _Node, name: str) -> Column | None:
        """The column of an attribute of the elements of *node*; None where it is of the schema language, not of the format."""
        if name not in node.attributes:
            path = f"@{name}" if node is self.subject_node else f"{node.path}/@{name}"
            of_schemas = name.startswith(_OF_SCHEMAS)
            node.attributes[name] = None if of_schemas else self.paths.column(node.table, path)
        return node.attributes[name]

    def below(self, node: _Node, tag: str) -> _Node:
        """The path of the children of *node* that are called *tag*."""
        known = node.children.get(tag)
        if known is not None:
            return known
        name = tag.removeprefix(self.prefix)
        path = name if node is self.subject_node else f"{node.path}/{name}"
        is_row = path in self.paths.row_paths
        made = node.children[tag] = _Node(path, self.paths.table(path) if is_row else node.table, is_row)
        return made

    def text(self, node: _Node) -> Column:
        """The column of the text of the elements of *node*."""
        if node.text is None:
            node.text = self.paths.column(node.table, node.path)
        return node.text

    def _put(self, row: ElementRow, column: Column, text: str) -> None:
        """Put a value into its cell, or say why not."""
        if text in self.blank:
            return
        column.values += 1
        if not column.is_known and column.first is None:
            self.met(column, row.number)
        if column.index not in row.cells:
            row.cells[column.index] = text
        elif column.gathers:
            column.values -= 1
            row.cells[column.index] = gathered(row.cells[column.index], text)
        elif column.is_slot:  # of what is not carried each is counted, and dropped as the first is
            column.values -= 1
            self.refuse_second(column, row.number)

    def met(self, column: Column, number: int) -> None:
        """Keep where a column that the profile does not know stands first."""
        column.first = Cell(self.file, number, column.name)

    def refuse_second(self, column: Column, number: int) -> None:
        """Say that the row *number* has a second value of a column."""
        message = "the element is there twice where one is expected; the first is used"
        fix = "keep one of them"
        cell = Cell(self.file, number, column.name)
        finding = Finding("source.duplicate-value", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
        self.log.reject_cell(column.name, finding)
