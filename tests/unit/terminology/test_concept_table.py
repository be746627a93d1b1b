"""The CONCEPT table as a file: written in batches, first row of an id counts, read-only, opened by every process for itself."""

from __future__ import annotations

import pickle
import sqlite3
from pathlib import Path

import pytest

from harmonize.terminology.concept_table import Concept, ConceptTable, build_reference


def test_batches_and_duplicates(tmp_path: Path) -> None:
    rows = ((str(n % 45_000), f"C{n}", "SNOMED", "a name", "") for n in range(50_000))
    assert build_reference(rows, tmp_path / "concept.sqlite") == 45_000
    table = ConceptTable(tmp_path / "concept.sqlite")
    assert table.lookup("7") == Concept("C7", "SNOMED", "a name")
    assert table.lookup("45000") is None


def test_a_copy_opens_the_file_itself_and_nobody_writes(tmp_path: Path) -> None:
    build_reference([("1", "a", "Gender", "x", "D")], tmp_path / "with space.sqlite")
    table = ConceptTable(tmp_path / "with space.sqlite")
    assert table.lookup("1") == Concept("a", "Gender", "x", "D")
    copy = pickle.loads(pickle.dumps(table))
    assert copy.lookup("1") == table.lookup("1")
    with pytest.raises(sqlite3.OperationalError):
        table._connection.execute("DELETE FROM concept")  # type: ignore[union-attr]
