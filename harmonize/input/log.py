"""What is said of input while it is read: of files, of rows that reach no subject, of cells that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.profiles.assembly import BadRow

MUCH = 1_000
"""Rejected rows and cells that wait in memory."""


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

    rows: dict[str, int] = field(default_factory=dict)
    """File -> rows that have the shape of its header."""
    filled: dict[str, int] = field(default_factory=dict)
    """`file/column` -> cells of these rows that hold a value."""
    bytes_read: int = 0
    """Bytes of the input that were read, for the progress of a run."""
    when_full: Callable[[], object] | None = None
    """Called where much has come together: a file of nothing but bad rows must not fill the memory until its first good one."""

    def reject_row(self, bad: BadRow) -> None:
        """Set a row aside."""
        self.rejected.append(bad)
        self._look_how_much()

    def reject_cell(self, column: str, finding: Finding) -> None:
        """Say that a cell of *column* (`file/column`) cannot be used."""
        self.rejected_cells.append((column, finding))
        self._look_how_much()

    def _look_how_much(self) -> None:
        if len(self.rejected) + len(self.rejected_cells) >= MUCH and self.when_full is not None:
            self.when_full()

    def cut_off(self, file: str, row: int, message: str, fix: str) -> None:
        """Say that *file* could not be read from *row* on."""
        self.partly = True
        cell = Cell(file, row, None)
        self.findings.append(Finding("source.cut-off", Severity.FATAL, message, Outcome.REJECTED, cell=cell, fix=fix))

    def drain(self) -> ReadLog:
        """What was collected since the last call."""
        taken = ReadLog(
            self.findings,
            self.rejected,
            self.rejected_cells,
            self.rejected_subjects,
            self.partly,
            self.rows,
            self.filled,
        )
        self.findings, self.rejected, self.rejected_cells, self.rejected_subjects = [], [], [], 0
        self.rows, self.filled = {}, {}
        return taken

    def count(self, file: str, header: Sequence[str], rows: int, filled: Sequence[int]) -> None:
        """Count *rows* rows of *file* and, column by column, their *filled* cells."""
        self.rows[file] = self.rows.get(file, 0) + rows
        known = self.filled
        for name, number in zip(header, filled, strict=True):
            key = f"{file}/{name}"
            known[key] = known.get(key, 0) + number
