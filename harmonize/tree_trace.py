"""`harmonize trace` of XML: the documents are read again, and the subject is made again, each value with its cells.

What an element becomes depends on the others: a line of the run's lineage does not tell which of them a merged value is from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.convert import make_environment
from harmonize.errors import CallError
from harmonize.findings import Cell, file_of, shown_row
from harmonize.hub.objects import HubObject
from harmonize.input.opening import Opening
from harmonize.profiles.assembly import RawSubject
from harmonize.profiles.cell_texts import CellTexts
from harmonize.profiles.compiler import compile_profile
from harmonize.profiles.notes import SubjectLog
from harmonize.profiles.specification import ClassDerivation, Profile
from harmonize.profiles.tree_assembly import TreeAssembler
from harmonize.pseudonyms import key_from_secret
from harmonize.readers.xml import open_source


class TracedCell(NamedTuple):
    """A value of the record: its path, the cell that it is made of with its text, and the rule."""

    path: str
    cell: Cell
    rule: str
    text: str


def traced_cells(
    profile: Profile, inputs: Sequence[Path], rows: Mapping[str, Sequence[int]], work: Path
) -> list[TracedCell]:
    """Every value of the subject whose elements stand in the lines *rows*, by document. Raises CallError where *inputs* lack it."""
    wanted: set[tuple[str, int | None]] = {(file, line) for file, lines in rows.items() for line in lines}
    plan = compile_profile(profile, make_environment(profile, key_from_secret(bytes(32)), "trace"))
    lines = {
        (derivation.source_class, derivation.hub_class, slot.slot): slot.line
        for derivation in _derivations(profile.derivations)
        for slot in derivation.slots
    }
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        source = open_source(Opening(profile, tuple(inputs), Path(scratch)))
        assembler = TreeAssembler(profile, source.headers, source.parts)
        for raw in source.subjects():
            if any(_place(number, source.parts) in wanted for number in _numbers(raw)):
                record = plan.derive(assembler.assemble(raw).record, SubjectLog())
                found = list(_cells(record, ""))
                texts = CellTexts(source.headers, source.files, source.parts).of(raw, [one.cell for one in found])
                return [_traced(one, lines, texts) for one in found]
    raise CallError("the input does not hold the elements of this subject. To mend it: give the input of the run")


def _derivations(derivations: Sequence[ClassDerivation]) -> Iterator[ClassDerivation]:
    for derivation in derivations:
        yield derivation
        for slot in derivation.slots:
            yield from _derivations(slot.nested)


def _numbers(raw: RawSubject) -> Iterator[int]:
    for rows in raw.rows.values():
        for row in rows:
            yield row.number


def _place(number: int, parts: Sequence[str]) -> tuple[str, int | None]:
    return parts[file_of(number)], shown_row(number)


class _Found(NamedTuple):
    path: str
    source_class: str
    hub_class: str
    slot: str
    cell: Cell


def _cells(value: Any, path: str) -> Iterator[_Found]:
    """Every cell of every plain value of the record, by path."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _cells(item, f"{path}/{index}")
    elif isinstance(value, HubObject) and value.derivation is not None:
        lineage = value.derivation
        for slot, item in value.items():
            items = item if isinstance(item, list) else [item]
            if any(isinstance(one, HubObject) and one.derivation is not None for one in items):
                yield from _cells(item, f"{path}/{slot}")
            else:
                for cell in dict.fromkeys(lineage.cells(value, slot)):
                    yield _Found(f"{path}/{slot}", lineage.source_class, lineage.hub_class, slot, cell)


def _traced(found: _Found, lines: Mapping[tuple[str, str, str], int | None], texts: Mapping[Cell, str]) -> TracedCell:
    line = lines.get((found.source_class, found.hub_class, found.slot), 0)
    shown = found.cell._replace(row=shown_row(found.cell.row)) if found.cell.row is not None else found.cell
    return TracedCell(found.path, shown, f"{found.hub_class}.{found.slot} (map.yaml:{line})", texts[found.cell])
