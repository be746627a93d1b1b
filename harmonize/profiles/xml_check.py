"""Whether `assemble` of an XML profile fits `source.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harmonize.errors import UnknownNameError
from harmonize.profiles.specification import SourceSchema, SourceSlot
from harmonize.profiles.xml_assembly import WHAT, XmlAssembly, XmlTable
from harmonize.terminology.patterns import compile_pattern


def check_xml_assembly(xml: XmlAssembly, source: SourceSchema, subject: str) -> list[str]:
    """What does not fit, one sentence each."""
    problems = []
    if subject not in source.classes[source.root]:
        problems.append(f"assemble.subject: {source.root} has no slot {subject!r}")
    for dialect in xml.dialects.values():
        try:
            compile_pattern(dialect.version_pattern or "")
        except ValueError as error:
            problems.append(f"assemble.xml.dialects.{dialect.name}.version.pattern is refused: {error}")
        problems += [
            f"assemble.xml.dialects.{dialect.name}.document: the column {column!r} must begin with /"
            for column in dialect.document.values()
            if not column.startswith("/")
        ]
    earlier: dict[str, XmlTable] = {}
    for table in xml.tables.values():
        problems += _table(table, xml, source, earlier)
        earlier[table.name] = table
    return problems


def _table(table: XmlTable, xml: XmlAssembly, source: SourceSchema, earlier: Mapping[str, XmlTable]) -> Iterator[str]:
    where = f"assemble.tables.{table.name}"
    slots = source.classes.get(table.row_class)
    if slots is None:
        yield f"{where}: {UnknownNameError('source class', table.row_class, source.classes)}"
        return
    if not table.elements:
        yield f"{where}: it names no elements, or is within itself"
    if table.into is not None and table.into not in earlier:
        yield f"{where}.into: {UnknownNameError('earlier table', table.into, earlier)}"
        return
    if not table.repeats and not table.merges:
        yield f"{where}: a table of one row takes `merge`: which of several rows counts must be said"
    yield from _place(table, source, earlier, where)
    stated = {*table.columns.values(), *table.inherit, *(s for group in table.apart for s in group)} - {""}
    merged = {*table.agree, *table.constant, *table.lead, *table.lead.values()}
    kind = {WHAT} if table.kind else set()
    for name in sorted((stated | merged | kind) - set(slots)):
        yield f"{where}: {UnknownNameError(f'slot of {table.row_class}', name, slots)}"
    if table.kind and table.apart:
        yield f"{where}: a table with `apart` has no `kind`: its objects say in {WHAT!r} what they are apart for"
    for name in table.without_parts:
        parts = xml.tables[name].elements if name in xml.tables else ()
        if not any(part.startswith(f"{path}/") for part in parts for path in table.elements):
            yield f"{where}.without_parts: {name!r} is no table of elements within those of this one"
    if table.without is not None and table.without not in earlier:
        yield f"{where}.merge.without: {UnknownNameError('earlier table', table.without, earlier)}"


def _place(table: XmlTable, source: SourceSchema, earlier: Mapping[str, XmlTable], where: str) -> Iterator[str]:
    """Whether the slot that takes the rows is there and of their kind; a table without a slot only dates and names."""
    if not table.slot:
        return
    holder = source.root if table.into is None else earlier[table.into].row_class
    slot: SourceSlot | None = source.classes.get(holder, {}).get(table.slot)
    if slot is None or slot.range != table.row_class or slot.multivalued != table.repeats:
        yield f"{where}: slot {table.slot!r} of {holder} must take {'many' if table.repeats else 'one'} {table.row_class}"
