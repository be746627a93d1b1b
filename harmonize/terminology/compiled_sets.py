"""Compiled mapping sets: rows with canonical codes in SQLite, found from both sides, opened in milliseconds.

A compiled set holds what the source says and no more: rows, predicates, confidences, the signs behind codes, and what SSSOM has no slot
for: combinations (several targets together, with their scenario and choice list) and outcomes that decide which row holds.
"""

from __future__ import annotations

import gc
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harmonize.errors import SpecificationError
from harmonize.terminology.code_names import CodeNames
from harmonize.terminology.predicates import inverse
from harmonize.terminology.sssom import NO_TERM, MappingSet

FORMAT = "2"


class Entry(NamedTuple):
    """A row of a mapping set, its codes as harmonize writes them; `number` is its line."""

    number: int
    subject: str
    predicate: str
    object: str
    justification: str
    confidence: float | None = None
    denied: bool = False
    subject_modifiers: str = ""
    object_modifiers: str = ""
    scenario: int = 0
    """Of a combination: the collection of targets that together say what the subject says. 0: the target says it alone."""
    choice_list: int = 0
    """Of a combination: the list of which one target is chosen."""
    outcome: str = ""
    """The result of a test for which alone the row holds."""
    excluded: bool = False
    """Whether the row says that the object is absent."""


class Step(NamedTuple):
    """A mapping read in the direction that is asked for."""

    code: str
    predicate: str
    mapping_set: str
    row: int
    justification: str
    denied: bool
    modifiers: tuple[str, ...] = ()
    """Names of the signs that the row writes behind the code, as `asterisk`."""
    confidence: float | None = None
    scenario: int = 0
    choice_list: int = 0
    outcome: str = ""
    excluded: bool = False


class Stray(NamedTuple):
    """Rows of a mapping set that hold what is no code of its system; the first of them, and why."""

    mapping_set: str
    rows: int
    first: int
    code: str
    reason: str

    def __str__(self) -> str:
        what = f"{self.rows} rows hold what is no code of its system, such as {self.code[:80]}"
        return f"{self.mapping_set}: {what} in line {self.first} ({self.reason})"


@dataclass
class Content:
    """What is compiled: the rows, and what is to be said of them."""

    id: str
    version: str
    entries: Iterable[Entry]
    one_way: bool = False
    """Whether the rows say nothing when they are read from the object to the subject."""
    strays: list[Stray] = field(default_factory=list)


@contextmanager
def collector_paused() -> Iterator[None]:
    """No garbage collection meanwhile: it would look at a hundred thousand tuples again and again, none of which is garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def content_of(mapping_set: MappingSet) -> Content:
    """The rows of *mapping_set* under the canonical names of their codes."""
    names = CodeNames(mapping_set)
    codes = dict.fromkeys(code for row in mapping_set.rows for code in (row.subject, row.object))
    names.learn(codes)
    strays: list[tuple[int, str, str]] = []
    known = {code: _Named.of(code, names) for code in codes}
    made = []
    for row in mapping_set.rows:
        subject, target = known[row.subject], known[row.object]
        if subject.wrong or target.wrong:
            code, named = (row.subject, subject) if subject.wrong else (row.object, target)
            strays.append((row.number, code, named.wrong))
        confidence = _confidence(row.confidence) if row.confidence else None
        stated = (subject.code, row.predicate, target.code, row.justification, confidence, row.denied)
        made.append(Entry(row.number, *stated, subject.modifiers, target.modifiers))
    said = [Stray(mapping_set.id, len(strays), *strays[0])] if strays else []
    return Content(mapping_set.id, mapping_set.version, made, strays=said)


class _Named(NamedTuple):
    """A code under its canonical name; `wrong` says why it is none."""

    code: str
    modifiers: str
    wrong: str

    @classmethod
    def of(cls, curie: str, names: CodeNames) -> _Named:
        return cls(names(curie), " ".join(names.modifiers(curie)), names.why_not(curie) or "")


def _confidence(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


class CompiledSet:
    """A mapping set as SQLite, read only."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        try:
            meta = dict(connection.execute("SELECT key, value FROM meta"))
            sides = connection.execute("SELECT kind, system FROM side").fetchall()
        except sqlite3.DatabaseError:
            raise SpecificationError(
                "no compiled mapping set, or a damaged one", file=name, fix="add it again"
            ) from None
        if meta.get("format") != FORMAT:
            raise SpecificationError("compiled by another version of harmonize", file=name, fix="add it again")
        self.id, self.version, self.sha256 = meta["id"], meta["version"], meta["sha256"]
        self.one_way = meta["one_way"] == "true"
        self.rows = int(meta["rows"])
        self.strays = [Stray(*stray) for stray in json.loads(meta["strays"])]
        self._subjects, self._objects = ({system for kind, system in sides if kind == k} for k in ("subject", "object"))
        self.pairs = {(a, b) for a in self._subjects for b in self._objects}
        if not self.one_way:
            self.pairs |= {(b, a) for a, b in self.pairs}

    @classmethod
    def open(cls, path: Path) -> CompiledSet:
        """The compiled set in the file *path*. Raises SpecificationError."""
        return cls(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False), path.name)

    @classmethod
    def in_memory(cls, content: Content, sha256: str = "") -> CompiledSet:
        """*content* compiled without a file."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        _write(connection, content, sha256)
        return cls(connection, content.id)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def forwards(self, code: str) -> list[Step]:
        """The rows whose subject is *code*."""
        return [self._step(row, row[2], row[1], row[7]) for row in self._rows("subject", code)]

    def backwards(self, code: str) -> list[Step]:
        """The rows whose object is *code*, read from it; none where the set is to be read one way only."""
        if self.one_way:
            return []
        return [self._step(row, row[0], inverse(str(row[1])), row[6]) for row in self._rows("object", code)]

    def _rows(self, side: str, code: str) -> list[tuple[object, ...]]:
        query = f"SELECT subject, predicate, object, number, justification, denied, subject_modifiers, object_modifiers, confidence, scenario, choice_list, outcome, excluded FROM row WHERE {side} = ? ORDER BY number, id"  # noqa: S608, E501 - a constant of ours
        return self._connection.execute(query, (code,)).fetchall()

    def _step(self, row: tuple[object, ...], code: object, predicate: object, modifiers: object) -> Step:
        return Step(
            str(code),
            str(predicate),
            self.id,
            int(str(row[3])),
            str(row[4]),
            bool(row[5]),
            tuple(str(modifiers).split()),
            row[8] if isinstance(row[8], float) else None,
            int(str(row[9])),
            int(str(row[10])),
            str(row[11]),
            bool(row[12]),
        )

    def steps(self, code: str, system: str) -> list[Step]:
        """The rows that lead from *code* to *system*, in either direction."""
        own, start = code.partition(":")[0], f"{system}:"
        steps = self.forwards(code) if own in self._subjects and system in self._objects else []
        if own in self._objects and system in self._subjects:
            steps += self.backwards(code)
        return [step for step in steps if step.code.startswith(start)]

    def says_there_is_none(self, code: str, system: str = "") -> bool:
        """Whether the set says itself (sssom:NoTermFound) that *code* has no target in *system*."""
        for kind, others in (("subject", self._objects), ("object", self._subjects)):
            if not system or system in others:
                found = self._connection.execute("SELECT 1 FROM absent WHERE kind = ? AND code = ?", (kind, code))
                if found.fetchone():
                    return True
        return False


def write_compiled(target: Path, content: Content, sha256: str) -> None:
    """Write *content* as the file *target*, aside and renamed. The same content gives the same bytes."""
    handle, name = tempfile.mkstemp(prefix=".compiling-", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        connection = sqlite3.connect(part, isolation_level=None)
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536")
        _write(connection, content, sha256)
        connection.close()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _write(connection: sqlite3.Connection, content: Content, sha256: str) -> None:
    connection.executescript(_SCHEMA)
    connection.execute("BEGIN")
    rows = [entry for entry in content.entries if NO_TERM not in (entry.subject, entry.object)]
    absent = {
        ("subject", entry.subject) if entry.object == NO_TERM else ("object", entry.object)
        for entry in content.entries
        if NO_TERM in (entry.subject, entry.object) and not entry.denied
    }
    sides = {("subject", entry.subject.partition(":")[0]) for entry in rows}
    sides |= {("object", entry.object.partition(":")[0]) for entry in rows}
    connection.executemany("INSERT INTO row VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    for side in ("subject", "object"):
        connection.execute(f"CREATE INDEX row_{side} ON row ({side})")
    connection.executemany("INSERT INTO absent VALUES (?, ?)", sorted(absent))
    connection.executemany("INSERT INTO side VALUES (?, ?)", sorted(sides))
    meta = {
        "format": FORMAT,
        "id": content.id,
        "version": content.version,
        "sha256": sha256,
        "one_way": "true" if content.one_way else "false",
        "rows": str(len(rows)),
        "strays": json.dumps(content.strays),
    }
    connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
    connection.execute("COMMIT")


_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE row (id INTEGER PRIMARY KEY, number INTEGER, subject TEXT, predicate TEXT, object TEXT, justification TEXT,
  confidence REAL, denied INTEGER, subject_modifiers TEXT, object_modifiers TEXT, scenario INTEGER, choice_list INTEGER,
  outcome TEXT, excluded INTEGER);
CREATE TABLE absent (kind TEXT, code TEXT, PRIMARY KEY (kind, code)) WITHOUT ROWID;
CREATE TABLE side (kind TEXT, system TEXT, PRIMARY KEY (kind, system)) WITHOUT ROWID;
"""
