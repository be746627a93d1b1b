"""The concepts that a source brings with it: OMOP's CONCEPT table as a read-only SQLite file, asked by concept id.

Source: OMOP CDM 5.4, CONCEPT. The table of a full vocabulary download holds millions of rows and is licensed in parts: it is
written once per run, in flat memory, from the file that lies beside the data, and it never ships.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, Protocol

_BATCH = 50_000
_FAST = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536"
"""A file that is thrown away where writing it breaks off; 64 MiB of pages are kept in memory, whatever its size."""
_COLUMNS = "concept(concept_id TEXT PRIMARY KEY, code TEXT, vocabulary TEXT, name TEXT, invalid TEXT) WITHOUT ROWID"


class Concept(NamedTuple):
    """A row of CONCEPT: code and vocabulary as the vocabulary's owner writes them, the name, why it is invalid (D, U, or empty)."""

    code: str
    vocabulary: str
    name: str
    invalid: str = ""


class Concepts(Protocol):
    """Whatever answers by concept id."""

    def lookup(self, concept_id: str) -> Concept | None:
        """The concept, or None where the table does not have it."""
        ...


Row = tuple[str, str, str, str, str]
"""Concept id, code, vocabulary, name, reason of invalidity."""


def build_reference(rows: Iterable[Row], path: Path) -> int:
    """Write *rows* as a new file *path*; the first row of an id counts. The number of concepts."""
    connection = sqlite3.connect(path)
    try:
        connection.executescript(f"{_FAST}; CREATE TABLE {_COLUMNS}")
        before = connection.total_changes
        for batch in _batches(rows):
            connection.executemany(
                "INSERT OR IGNORE INTO concept VALUES (?, ?, ?, ?, ?)", sorted(batch, key=itemgetter(0))
            )
        made = connection.total_changes - before
        connection.commit()
    finally:
        connection.close()
    return made


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        yield batch


class ConceptTable:
    """A file of `build_reference`, opened read-only when it is first asked. Picklable: a worker process opens its own.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = build_reference([("8507", "M", "Gender", "MALE", "")], Path(folder) / "concept.sqlite")
    ...     table = ConceptTable(Path(folder) / "concept.sqlite")
    ...     made, table.lookup("8507"), table.lookup("1")
    ...     table.close()
    (1, Concept(code='M', vocabulary='Gender', name='MALE', invalid=''), None)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None

    def __reduce__(self) -> tuple[type[ConceptTable], tuple[Path]]:
        return ConceptTable, (self.path,)

    def lookup(self, concept_id: str) -> Concept | None:
        """The concept *concept_id*, or None where the table does not have it."""
        if self._connection is None:
            uri = f"{self.path.resolve().as_uri()}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        question = "SELECT code, vocabulary, name, invalid FROM concept WHERE concept_id = ?"
        row = self._connection.execute(question, (concept_id,)).fetchone()
        return Concept(*(cell or "" for cell in row)) if row is not None else None

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
