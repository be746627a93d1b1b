"""Tables in Parquet and in DuckDB and SQLite files, as rows of texts: the same texts that a CSV of them would hold.

Only the columns that the profile needs are brought here. Of the others a cell says `+` where there is a value and is empty
where there is none, so that they are counted with the rest. Views, foreign tables and extensions of a database are not used.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from harmonize.errors import InputError, SortingMemoryError
from harmonize.input.cells import usable_cells
from harmonize.input.database import connected
from harmonize.input.log import ReadLog
from harmonize.profiles.source_record import RawRow

if TYPE_CHECKING:
    import duckdb

THERE = "+"
"""What stands for a value in a column that is counted and not read."""
_FETCH_ROWS = 1_000
DUCKDB_SUFFIXES = (".duckdb", ".ddb")
SQLITE_SUFFIXES = (".sqlite", ".sqlite3", ".db")
_UNREADABLE = "the file is damaged, or not what its name says"


Blanks = Mapping[str, frozenset[str]]
"""Column -> the texts that are no value in it, the empty one among them."""


@dataclass(frozen=True)
class StoredTable:
    """A table that can be asked: how it is named in findings, its columns, how its rows are read."""

    file: str
    columns: tuple[str, ...]
    rows: Callable[[Sequence[str], Blanks, str | None], Iterator[list[tuple[int, list[str]]]]]
    """(columns that are read, columns of which only presence is read, column to order by or None) -> rows, some at a time."""


class Database:
    """The Parquet files and the database of one source, opened in one DuckDB session or, for SQLite, in its own.

    Raises InputError where a file cannot be opened.
    """

    def __init__(self, work: Path, memory: int | None) -> None:
        self._work, self._memory = work, memory
        self._session: duckdb.DuckDBPyConnection | None = None

    def of_parquet(self, paths: Sequence[Path]) -> dict[str, StoredTable]:
        """The tables of Parquet files, by the stem of the file in lower case."""
        if not paths:
            return {}
        session = self._open(allowed=paths)
        return {path.stem.lower(): self._parquet_table(session, path) for path in paths}

    def _parquet_table(self, session: duckdb.DuckDBPyConnection, path: Path) -> StoredTable:
        source = f"read_parquet({_text(str(path))}, file_row_number=true)"
        columns = _guarded(path, lambda: session.execute(f"DESCRIBE FROM {source}").fetchall())
        names = tuple(str(row[0]) for row in columns if row[0] != "file_row_number")
        return StoredTable(path.name, names, _duckdb_rows(session, source, "file_row_number", path))

    def of_duckdb(self, path: Path) -> dict[str, StoredTable]:
        """The tables of a DuckDB file, by name in lower case. Raises InputError where a name is there in two schemas."""
        session = self._open(attach=path)
        found = session.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'source' AND NOT internal"
        ).fetchall()
        made: dict[str, StoredTable] = {}
        for schema, name in sorted(found):
            if name.lower() in made:
                raise _twice(path, name)
            source = f"source.{_name(schema)}.{_name(name)}"
            columns = session.execute(f"DESCRIBE {source}").fetchall()
            rows = _duckdb_rows(session, source, "rowid", path)
            made[name.lower()] = StoredTable(f"{path.name}:{name}", tuple(str(row[0]) for row in columns), rows)
        return made

    def of_sqlite(self, path: Path) -> dict[str, StoredTable]:
        """The tables of an SQLite file, by name in lower case."""
        names = _guarded(path, lambda: list(_sqlite_names(path)))
        made: dict[str, StoredTable] = {}
        for name, columns in names:
            if name.lower() in made:
                raise _twice(path, name)
            made[name.lower()] = StoredTable(f"{path.name}:{name}", columns, _sqlite_rows(path, name))
        return made

    def _open(self, *, allowed: Sequence[Path] = (), attach: Path | None = None) -> duckdb.DuckDBPyConnection:
        """A session that can read *allowed* or the database *attach*, and nothing else."""
        session = connected(self._work, self._memory)
        if attach is not None:
            _guarded(attach, lambda: session.execute(f"ATTACH {_text(str(attach))} AS source (READ_ONLY)"))
        paths = ", ".join(_text(str(path)) for path in allowed)
        session.execute(f"SET allowed_paths=[{paths}]; SET enable_external_access=false; SET lock_configuration=true")
        return session


def _duckdb_rows(session: duckdb.DuckDBPyConnection, source: str, number: str, path: Path) -> Any:
    def rows(read: Sequence[str], counted: Blanks, order: str | None) -> Iterator[list[tuple[int, list[str]]]]:
        values = [f"coalesce(CAST({_name(column)} AS VARCHAR), '')" for column in read]
        present = [
            f"CASE WHEN coalesce(CAST({_name(column)} AS VARCHAR), '') IN ({_texts(blank)}) THEN '' ELSE '{THERE}' END"
            for column, blank in counted.items()
        ]
        statement = f"SELECT {number} + 1, CAST(to_json([{', '.join([*values, *present])}]) AS VARCHAR) FROM {source}"  # noqa: S608
        found = _guarded(path, lambda: session.cursor().execute(statement + _order_by(order, number)))
        while fetched := _guarded(path, lambda: found.fetchmany(_FETCH_ROWS)):
            yield [(place, orjson.loads(cells)) for place, cells in fetched]

    return rows


def _order_by(column: str | None, number: str) -> str:
    if column is None:
        return ""
    key = f"trim(coalesce(CAST({_name(column)} AS VARCHAR), ''))"
    return f" ORDER BY length({key}), {key}, {number}"


def _sqlite_names(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    session = _sqlite_session(path)
    try:
        names = session.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for (name,) in sorted(names.fetchall()):
            yield name, tuple(row[1] for row in session.execute(f"PRAGMA table_info({_name(name)})"))
    finally:
        session.close()


def _sqlite_session(path: Path) -> sqlite3.Connection:
    session = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    session.executescript("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON")
    session.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    return session


def _sqlite_rows(path: Path, table: str) -> Any:
    def rows(read: Sequence[str], counted: Blanks, order: str | None) -> Iterator[list[tuple[int, list[str]]]]:
        values = [_name(column) for column in read]
        present = [
            f"CASE WHEN {_name(column)} IS NULL OR CAST({_name(column)} AS TEXT) IN ({_texts(blank)}) THEN '' ELSE '{THERE}' END"
            for column, blank in counted.items()
        ]
        session = _guarded(path, lambda: _sqlite_session(path))
        try:
            statement = f"SELECT {', '.join([*values, *present])} FROM {_name(table)}"  # noqa: S608
            found = _guarded(path, lambda: session.execute(statement))
            first = 1
            while fetched := _guarded(path, lambda: found.fetchmany(_FETCH_ROWS)):
                yield [(place, [_cell(value) for value in row]) for place, row in enumerate(fetched, start=first)]
                first += len(fetched)
        finally:
            session.close()

    return rows


def _cell(value: Any) -> str:
    """A value of SQLite as text; bytes are read as UTF-8."""
    if value is None:
        return ""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def usable_rows(rows: list[tuple[int, list[str]]], header: Sequence[str], file: str, log: ReadLog) -> list[RawRow]:
    """The rows with the cells that no format can hold blanked and said."""
    text = "".join(chain.from_iterable(cells for _, cells in rows))
    if "\0" in text or not (text.isascii() or _is_encodable(text)):
        return [RawRow(number, usable_cells(cells, header, file, number, log)) for number, cells in rows]
    return [RawRow(number, cells) for number, cells in rows]


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _guarded(path: Path, ask: Callable[[], Any]) -> Any:
    """What *ask* gives. What a database says of a broken file may quote it, so only the file is named."""
    import duckdb

    try:
        return ask()
    except duckdb.OutOfMemoryException:
        raise SortingMemoryError from None
    except (duckdb.Error, sqlite3.Error):
        raise InputError(_UNREADABLE, file=path.name, fix="check it with the program that wrote it") from None


def _twice(path: Path, name: str) -> InputError:
    return InputError(f"the table {name.lower()} is there twice", file=path.name, fix="export the schema that is meant")


def _name(text: str) -> str:
    """*text* as a quoted name of SQL."""
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    """*text* as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _texts(texts: frozenset[str]) -> str:
    """*texts* as literals of SQL."""
    return ", ".join(_text(text) for text in sorted(texts))
