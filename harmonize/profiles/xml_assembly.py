"""`assemble.xml` and the tables of XML: which elements are subjects and rows, and how messages are merged.

Paths name elements below the subject (`Reports/Report`) and attributes (`@id`); `.` is the subject itself, and a path
that begins with `/` stands beside the subjects, below the root of the document. ADR 0011.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SUBJECT_ELEMENT = "."
"""The physical table of the subjects' own elements."""
DOCUMENT = "/"
"""The physical table of what stands beside the subjects."""
BETWEEN = " | "
"""Between the values of leaves that repeat and make one text."""
WHAT = "what"
"""The slot that names, in an object that stands apart, the slot for which it does; elsewhere the `kind` of the table."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """A version of the format: how it is told from others, where its subjects are, which XSD it is written by."""

    name: str
    title: str
    namespace: str
    root: str
    version_attribute: str | None
    version_pattern: str | None
    subject: str
    """Path of the subjects' elements below the root."""
    identifier: str
    """Path of the subject's identifier below its element."""
    schema: str | None
    """Name of the file of its XSD."""
    document: Mapping[str, str] = field(default_factory=dict)
    """Path below the root -> column of the subject's row that takes its value."""


@dataclass(frozen=True, slots=True)
class XmlTable:
    """How the elements of one table enter the source record."""

    name: str
    row_class: str
    slot: str
    elements: tuple[str, ...]
    """Paths below the subject."""
    columns: Mapping[str, str]
    """Path below the row's element -> slot, where the slot is not called like the path; the empty text: not read by this table."""
    repeats: bool
    into: str | None
    """The table whose objects take the rows; None: the root of the record."""
    by: tuple[str, ...] | None
    """Slots of the key of rows that stand for the same; None: rows are as many as there are elements that differ."""
    merges: bool
    """Whether rows with one key become one object, or the newest stands for all."""
    newest: str | None
    """The slot, of the row or of what holds it, that dates it."""
    without: str | None
    """Rows without a key belong together where they stand in the same row of this table."""
    agree: tuple[str, ...]
    inherit: tuple[str, ...]
    apart: tuple[tuple[str, ...], ...]
    lead: Mapping[str, str] = field(default_factory=dict)
    """Where rows are merged: slot -> the one that it describes; it is taken from rows that state that one."""
    constant: tuple[str, ...] = ()
    """Where rows are merged: slots that stay what they are; one that changes is said, for there may be two things."""
    kind: str = ""
    """What the slot `what` of the table's objects says; empty: nothing."""
    without_parts: tuple[str, ...] = ()
    """Tables; an element that holds rows of them makes no object of its own, it only lends."""
    gather: frozenset[str] = frozenset()
    """Paths below the row's element of leaves that repeat and make one text, ` | ` between its values."""


@dataclass(frozen=True, slots=True)
class XmlAssembly:
    """Dialects and tables by name."""

    dialects: Mapping[str, Dialect]
    tables: Mapping[str, XmlTable]

    @property
    def row_paths(self) -> frozenset[str]:
        """The paths of all elements that make rows."""
        return frozenset(path for table in self.tables.values() for path in table.elements) | {SUBJECT_ELEMENT}

    def tables_of(self, path: str) -> tuple[XmlTable, ...]:
        """The tables that are made of the elements at *path*."""
        return tuple(table for table in self.tables.values() if path in table.elements)


def lent_slots(xml: XmlAssembly, table: XmlTable, path: str) -> tuple[tuple[str, str], ...]:
    """(slot, class) of the rows below *path* that take a slot from the rows of *table* there."""
    found = (
        (slot, other.row_class)
        for other in xml.tables.values()
        for slot in other.inherit
        if any(path == SUBJECT_ELEMENT or element.startswith(f"{path}/") for element in other.elements)
    )
    return tuple(dict.fromkeys(found))


def default_slot(path: str) -> str:
    """The slot that a path fills unless the profile says another.

    >>> default_slot("Date/@accuracy"), default_slot("@id"), default_slot("."), default_slot("/Sent")
    ('Date_accuracy', 'id', 'text', 'Sent')
    """
    return "text" if path == "." else path.replace("@", "").strip("/").replace("/", "_")


def gathered(known: str, text: str) -> str:
    """The values of *known* and one more as one text, in the order of their contents and each once: which came first says nothing.

    >>> gathered("IM", "CH"), gathered("CH | IM", "CH")
    ('CH | IM', 'CH | IM')
    """
    return BETWEEN.join(sorted({*known.split(BETWEEN), *text.split(BETWEEN)}))


def below(path: str, element: str) -> str:
    """*path* as seen from *element*, which holds it.

    >>> below("A/B/Date", "A/B"), below("B", "B"), below("@id", ".")
    ('Date', '.', '@id')
    """
    if element in (SUBJECT_ELEMENT, DOCUMENT):
        return path
    return path[len(element) + 1 :] or "."


def holder_of(path: str, row_paths: frozenset[str]) -> str | None:
    """The row path that holds the elements at *path*; None for the subject itself.

    >>> holder_of("A/B/C", frozenset({".", "A"})), holder_of("D", frozenset({".", "A"})), holder_of(".", frozenset({"."}))
    ('A', '.', None)
    """
    if path == SUBJECT_ELEMENT:
        return None
    steps = path.split("/")
    known = ("/".join(steps[:number]) for number in range(len(steps) - 1, 0, -1))
    return next((candidate for candidate in known if candidate in row_paths), SUBJECT_ELEMENT)


def xml_assembly(spec: Mapping[str, Any], tables: Mapping[str, Any]) -> XmlAssembly:
    """`assemble.xml` and `assemble.tables` as they are written, checked by the JSON Schema before."""
    dialects = {name: _dialect(name, body) for name, body in spec["dialects"].items()}
    elements: dict[str, tuple[str, ...]] = {}
    for name in tables:
        _elements(name, tables, elements, ())
    return XmlAssembly(dialects, {name: _table(name, body, elements[name]) for name, body in tables.items()})


def _dialect(name: str, body: Mapping[str, Any]) -> Dialect:
    version = body.get("version", {})
    return Dialect(
        name=name,
        title=body["title"],
        namespace=body.get("namespace", ""),
        root=body["root"],
        version_attribute=version.get("attribute"),
        version_pattern=version.get("pattern"),
        subject=body["subject"],
        identifier=body["identifier"],
        schema=body.get("schema"),
        document=body.get("document", {}),
    )


def _elements(
    name: str, tables: Mapping[str, Any], known: dict[str, tuple[str, ...]], under_way: tuple[str, ...]
) -> tuple[str, ...]:
    """The paths of a table: those that it names, below those of the tables that it is within. A loop has none."""
    if name not in known:
        body = tables.get(name, {})
        within = body.get("within", ())
        stated = tuple(body.get("elements", ()))
        if name in under_way:
            return ()
        holders = [path for table in within for path in _elements(table, tables, known, (*under_way, name))]
        known[name] = tuple(f"{holder}/{path}" for holder in holders for path in stated) if within else stated
    return known[name]


def _table(name: str, body: Mapping[str, Any], elements: tuple[str, ...]) -> XmlTable:
    key = body.get("merge") or body.get("replaces")
    return XmlTable(
        name=name,
        row_class=body["class"],
        slot=body.get("slot", ""),
        elements=elements,
        columns=body.get("columns", {}),
        repeats=body.get("repeats", "many") == "many",
        into=body.get("into"),
        by=tuple(key.get("by", ())) if key is not None else None,
        merges="merge" in body,
        newest=key.get("newest") if key is not None else None,
        without=key.get("without") if key is not None else None,
        agree=tuple(body.get("merge", {}).get("agree", ())),
        lead={slot: slots[0] for slots in body.get("merge", {}).get("together", ()) for slot in slots[1:]},
        constant=tuple(body.get("merge", {}).get("constant", ())),
        kind=body.get("kind", ""),
        without_parts=tuple(body.get("without_parts", ())),
        inherit=tuple(body.get("inherit", ())),
        gather=frozenset(body.get("gather", ())),
        apart=tuple((slots,) if isinstance(slots, str) else tuple(slots) for slots in body.get("apart", ())),
    )
