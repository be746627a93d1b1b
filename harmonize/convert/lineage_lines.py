"""The lines of `private/lineage.ndjson`: the rows of a subject, and of every object of its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from harmonize.convert.column_outcomes import SharedRows
from harmonize.extensions import extension
from harmonize.findings import file_of, shown_row
from harmonize.hub.objects import HubObject
from harmonize.profiles.assembly import RawSubject
from harmonize.profiles.row_layout import RowLayout
from harmonize.profiles.source_record import RawRow, rows_of


class LineageLines:
    """Makes the lines of one input."""

    def __init__(self, layouts: Mapping[str, RowLayout], files: Mapping[str, str], parts: Sequence[str]) -> None:
        """*parts* are the documents of XML, which are many."""
        self._files, self._parts = files, tuple(parts)
        compiled = extension("harmonize.convert.lineage_texts") if self._parts else None
        self._lineage = compiled.Lineage(self._parts) if compiled is not None else None
        self._tables_of_slot: dict[str, list[str]] = {}
        for name, layout in layouts.items():
            self._tables_of_slot.setdefault(layout.spec.slot, []).append(name)

    def _made_of(self, raw: RawSubject, objects: list[HubObject]) -> list[Any]:
        """The rows of each object; only the files, where every row of them made an object, in the order of the rows."""
        first = objects[0].derivation.layout
        if first is not None:
            files, number = [], 0
            for name in self._tables_of_slot[first.spec.slot]:
                if name in raw.rows:
                    files.append(self._files[name])
                    number += len(raw.rows[name])
            if number == len(objects):
                return files
        made = [rows_of(item.derivation.source_of(item)) for item in objects]
        if not self._parts:
            return made
        return [{file: sorted({shown_row(n) for n in rows}) for file, rows in one.items()} for one in made]

    def _rows(self, raw: RawSubject) -> dict[str, list[list[int]]]:
        if not self._parts:
            return {self._files[table]: _ranges(rows) for table, rows in raw.rows.items()}
        numbers: dict[str, set[int]] = {}
        for rows in raw.rows.values():
            for row in rows:
                numbers.setdefault(self._parts[file_of(row.number)], set()).add(shown_row(row.number) or 0)
        return {file: [[line, line] for line in sorted(lines)] for file, lines in sorted(numbers.items())}

    def of(self, raw: RawSubject, record: HubObject, shared: SharedRows) -> bytes:
        """The rows of the subject, and of every object of its record: what `harmonize trace` needs."""
        if self._lineage is not None and not shared.tables:
            made: bytes = self._lineage.line(record["subject_id"], raw.rows, record)
            return made
        objects = {slot: self._made_of(raw, value) for slot, value in record.items() if value.__class__ is list}
        rows = self._rows(raw)
        line: dict[str, Any] = {"subject": record["subject_id"], "rows": rows, "objects": objects}
        for (_, number), names in shared.tables.items():
            for name in names:
                line.setdefault("tables", {}).setdefault(name, []).append(number)
        return orjson.dumps(line)


def _ranges(rows: Sequence[RawRow]) -> list[list[int]]:
    """The numbers of *rows* as ranges, first and last: mostly one, for a subject's rows stand together."""
    first, last = rows[0][0], rows[-1][0]
    if last - first == len(rows) - 1:
        return [[first, last]]
    return [[number, number] for number, _, _ in rows]
