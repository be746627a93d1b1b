"""Conversions that are stopped and go on: sources of every format, the call as a process, and what a folder holds."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import duckdb

from harmonize.profiles.loading import load_profile
from harmonize.pseudonyms import new_key
from harmonize.synthesis.tables import write_tables

FIRST, LATER = "1767225600", "1800000000"
"""Clocks (SOURCE_DATE_EPOCH) of the first run and of those that go on: the first one must show in all documents."""
OMOP, ERN, REDCAP = "intl/omop-5.4", "eu/ern-cde", "intl/redcap-rdcdm"


def _tables(profile: str, folder: Path, subjects: int) -> Path:
    write_tables(load_profile(profile), subjects, 11, folder)
    return folder


def _shuffled(folder: Path, subjects: int) -> Path:
    """Tables that are not in the order of the persons."""
    _tables(OMOP, folder, subjects)
    for path in folder.glob("*.csv"):
        header, *lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text(header + "".join(sorted(lines, key=lambda line: line[::-1])), "utf-8")
    return folder


def _parquet(folder: Path, subjects: int) -> Path:
    for path in _tables(OMOP, folder, subjects).glob("*.csv"):
        source, target = str(path), str(path.with_suffix(".parquet"))
        duckdb.connect().execute(
            f"COPY (SELECT * FROM read_csv('{source}', all_varchar=true)) TO '{target}' (FORMAT parquet)"
        )
        path.unlink()
    return folder


def _duckdb(folder: Path, subjects: int) -> Path:
    with duckdb.connect(str(folder.with_suffix(".duckdb"))) as session:
        for path in _tables(OMOP, folder, subjects).glob("*.csv"):
            session.execute(f"CREATE TABLE {path.stem} AS SELECT * FROM read_csv('{path}', all_varchar=true)")
    return folder.with_suffix(".duckdb")


def _sqlite(folder: Path, subjects: int) -> Path:
    session = sqlite3.connect(folder.with_suffix(".sqlite"))
    for path in _tables(OMOP, folder, subjects).glob("*.csv"):
        rows = duckdb.connect().execute(f"SELECT * FROM read_csv('{path}', all_varchar=true)")
        columns = [column[0] for column in rows.description or ()]
        session.execute(f"CREATE TABLE {path.stem} ({', '.join(f'{name} TEXT' for name in columns)})")
        session.executemany(f"INSERT INTO {path.stem} VALUES ({', '.join('?' * len(columns))})", rows.fetchall())
    session.commit()
    session.close()
    return folder.with_suffix(".sqlite")


SOURCES: Mapping[str, tuple[str, Callable[[Path, int], Path]]] = {
    "OMOP CSV": (OMOP, lambda folder, subjects: _tables(OMOP, folder, subjects)),
    "OMOP CSV, shuffled": (OMOP, _shuffled),
    "OMOP Parquet": (OMOP, _parquet),
    "OMOP DuckDB": (OMOP, _duckdb),
    "OMOP SQLite": (OMOP, _sqlite),
    "ERN CSV": (ERN, lambda folder, subjects: _tables(ERN, folder, subjects)),
    "REDCap CSV": (REDCAP, lambda folder, subjects: _tables(REDCAP, folder, subjects)),
}
"""Format -> the profile that reads it, and what writes synthetic subjects of it."""


@cache
def key_file(folder: Path) -> Path:
    """A key for a folder of tests."""
    new_key(folder / "node.key")
    return folder / "node.key"


def command(profile: str, source: Path, out: Path, key: Path, jobs: int = 1) -> list[str]:
    """The call of a conversion to all targets, with a checkpoint after every batch."""
    call = [sys.executable, "-m", "harmonize", "convert", str(source), "--profile", profile]
    call += ["--to", "hub,fhir-r4,phenopackets", "--out", str(out), "--pseudonym-key", str(key), "--jobs", str(jobs)]
    return [*call, "--max-errors", "100%", "--checkpoint", "0", "--consent", "record", "--quiet"]


def start(call: Sequence[str], clock: str = FIRST, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """The call as a process group of its own, so that it can be killed with its workers."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": clock}
    return subprocess.Popen(
        call, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True, preexec_fn=before
    )


def finish(call: Sequence[str], clock: str = FIRST, before: Callable[[], None] | None = None) -> tuple[int, str]:
    """The exit code of the call and what it said."""
    process = start(call, clock, before)
    _, said = process.communicate(timeout=300)
    assert "Traceback" not in said, said
    return process.returncode, said


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below *folder*."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def assert_nothing_looks_finished(folder: Path, whole: Mapping[str, bytes]) -> None:
    """A file of an interrupted run that has its final name is whole; most have none."""
    for name, data in contents(folder).items():
        if name in whole and name != "private/checkpoint.json":
            assert data == whole[name], f"{name} has its final name and is not whole"
