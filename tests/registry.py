"""Synthetic registries of eu/ern-cde, and conversions of them, for tests of the whole way."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harmonize.convert import RunOptions, RunOutcome, Settings, convert_files
from harmonize.profiles.loading import load_profile
from harmonize.pseudonyms import key_from_secret
from harmonize.synthesis.tables import write_tables

KEY = key_from_secret(bytes(range(32)))
RECORDED = "2026-01-31T12:00:00Z"
ALL_TARGETS = ("hub", "fhir-r4", "phenopackets")


@dataclass(frozen=True)
class Run:
    """A finished conversion and its files."""

    folder: Path
    outcome: RunOutcome

    @property
    def counts(self) -> dict[str, Any]:
        """`counts` of the manifest."""
        return dict(self.outcome.manifest["counts"])

    def lines(self, name: str) -> list[Any]:
        """The documents of an NDJSON file; none where there is no file."""
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def findings(self, *, info: bool = False) -> list[dict[str, Any]]:
        """The findings; those of severity info only on demand."""
        return [f for f in self.lines("private/findings.ndjson") if info or f["severity"] != "info"]

    def rules(self) -> set[str]:
        """The rules of the findings that are no info."""
        return {finding["rule"] for finding in self.findings()}


@dataclass(frozen=True)
class Registry:
    """A folder of tables."""

    folder: Path

    def rows(self, table: str) -> list[dict[str, str]]:
        """The rows of a table."""
        with (self.folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def write(self, table: str, rows: list[dict[str, str]]) -> None:
        """Replace the rows of a table."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        with (self.folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def change(self, table: str, change: Callable[[list[dict[str, str]]], None]) -> None:
        """Change the rows of a table in place."""
        rows = self.rows(table)
        change(rows)
        self.write(table, rows)

    def bytes_of(self, table: str) -> bytes:
        """A table as it lies on disk."""
        return (self.folder / f"{table}.csv").read_bytes()

    def write_bytes(self, table: str, data: bytes) -> None:
        """Replace a table byte by byte."""
        (self.folder / f"{table}.csv").write_bytes(data)


def make_registry(folder: Path, subjects: int = 40, seed: int = 7) -> Registry:
    """A synthetic registry without planted flaws in the identifiers."""
    write_tables(load_profile("eu/ern-cde"), subjects, seed, folder)
    return Registry(folder)


def write_registry(folder: Path, tables: Mapping[str, list[dict[str, str]]]) -> Registry:
    """A registry of exactly these rows."""
    folder.mkdir(parents=True, exist_ok=True)
    registry = Registry(folder)
    for table, rows in tables.items():
        registry.write(table, rows)
    return registry


def convert(source: Path, out: Path, targets: tuple[str, ...] = ALL_TARGETS, **options: Any) -> Run:
    """Convert *source* with the tests' key and instant."""
    of_run = {name: options.pop(name) for name in ("jobs", "limit", "max_errors") if name in options}
    settings = Settings("eu/ern-cde", targets, KEY, "test", recorded=RECORDED, **options)
    return Run(out, convert_files(settings, RunOptions((source,), out, **of_run)))
