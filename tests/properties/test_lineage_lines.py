"""The lines of lineage are the same, whether the extension writes them or Python: of many files, of places met again, of any texts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.convert.column_outcomes import NOTHING_SHARED
from harmonize.convert.lineage_lines import LineageLines
from harmonize.extensions import extension
from harmonize.findings import LINE_BITS, element_number
from harmonize.hub.objects import DerivedObject
from harmonize.profiles.assembly import RawSubject
from harmonize.profiles.plan import Lineage
from harmonize.profiles.source_record import RawRow, SourceObject, Table, row_object, shared_object

FILES = ('é "a".xml', "b.xml", "a.xml")
LINEAGE = Lineage("Diagnosis_1", "Diagnosis", "Diagnose", {}, {})
TABLE = Table("Diagnose", FILES[0], {}, FILES)

_LINES = st.one_of(st.integers(1, 30), st.integers(1, (1 << LINE_BITS) - 1))
_NUMBERS = st.builds(element_number, st.integers(0, len(FILES) - 1), _LINES, st.just(0))
_TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)


def _source(numbers: list[int], as_members: bool) -> SourceObject:
    """An object of the first number with the other ones in it or beside it."""
    if not numbers:
        return shared_object({"text": "1"}, None)
    rows = [row_object({"text": "1"}, TABLE, number) for number in numbers]
    if as_members:
        return shared_object({"rows": rows}, rows)
    return row_object({"text": "1", "one": rows[-1], "more": rows[1:-1]}, TABLE, numbers[0])


def _derived(source: SourceObject) -> DerivedObject:
    made = DerivedObject()
    made.source, made.derivation = source, LINEAGE
    return made


_OBJECTS = st.builds(_source, st.lists(_NUMBERS, max_size=40), st.booleans()).map(_derived)
_ROWS = st.dictionaries(st.sampled_from(("Patient", "Meldung")), st.lists(_NUMBERS, min_size=1, max_size=30))


@given(_TEXTS, _ROWS, st.dictionaries(_TEXTS, st.lists(_OBJECTS, min_size=1, max_size=3), max_size=3))
def test_the_same_lines_are_written(subject: str, rows: dict[str, list[int]], lists: dict[str, Any]) -> None:
    if extension("harmonize.convert.lineage_texts") is None:
        pytest.skip("harmonize was installed without its extensions")
    compiled, in_python = (LineageLines({}, {}, FILES) for _ in range(2))
    in_python._lineage = None
    raw = RawSubject("1", {table: [RawRow(number, ()) for number in numbers] for table, numbers in rows.items()})
    record = DerivedObject({"schema_version": "1", **lists, "subject_id": subject})
    assert compiled.of(raw, record, NOTHING_SHARED) == in_python.of(raw, record, NOTHING_SHARED)
