"""Readers: bytes of a physical format -> the rows of one subject at a time. They know no country.

Members of this package do not import one another. What they say of files and rows that never reach a subject goes
through `ReadLog`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from harmonize.errors import NotAvailableError
from harmonize.findings import Finding
from harmonize.profiles.assembly import BadRow, RawSubject
from harmonize.profiles.specification import Profile


@dataclass
class ReadLog:
    """What a reader says: findings on files, rows that it had to reject with their cells, cells that it blanked."""

    findings: list[Finding] = field(default_factory=list)
    rejected: list[BadRow] = field(default_factory=list)
    rejected_cells: list[tuple[str, Finding]] = field(default_factory=list)
    """(`file/column`, finding) of single cells that cannot be used; the row goes on without them."""
    rejected_subjects: int = 0
    partly: bool = False
    """True where input could not be read to its end."""

    def drain(self) -> ReadLog:
        """What was collected since the last call."""
        taken = ReadLog(self.findings, self.rejected, self.rejected_cells, self.rejected_subjects, self.partly)
        self.findings, self.rejected, self.rejected_cells, self.rejected_subjects = [], [], [], 0
        return taken


class Source(Protocol):
    """An opened source: what it holds is known, nothing of it is in memory."""

    headers: Mapping[str, Sequence[str]]
    files: Mapping[str, str]
    digests: Mapping[str, str]
    rows: Mapping[str, int]
    log: ReadLog

    def subjects(self) -> Iterator[RawSubject]:
        """The subjects in the order of their identifiers."""
        ...


_READERS: Mapping[str, str] = {"delimited": "harmonize.readers.delimited:open_source"}


def open_source(profile: Profile, inputs: Sequence[Path], work: Path) -> Source:
    """Open *inputs* with the reader that *profile* names; *work* is a private folder for what must be sorted.

    Raises InputError where the input cannot be used at all.
    """
    dotted = _READERS.get(profile.assembly.reader)
    if dotted is None:
        raise NotAvailableError(f"the reader {profile.assembly.reader!r}")
    module, function = dotted.split(":")
    opener: Callable[[Profile, Sequence[Path], Path], Any] = getattr(importlib.import_module(module), function)
    source: Source = opener(profile, inputs, work)
    return source
