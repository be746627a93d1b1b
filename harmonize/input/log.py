"""What is said of input while it is read: of files, of rows that reach no subject, of cells that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass, field

from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.profiles.assembly import BadRow


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

    bytes_read: int = 0
    """Bytes of the input that were read, for the progress of a run."""

    def cut_off(self, file: str, row: int, message: str, fix: str) -> None:
        """Say that *file* could not be read from *row* on."""
        self.partly = True
        cell = Cell(file, row, None)
        self.findings.append(Finding("source.cut-off", Severity.FATAL, message, Outcome.REJECTED, cell=cell, fix=fix))

    def drain(self) -> ReadLog:
        """What was collected since the last call."""
        taken = ReadLog(self.findings, self.rejected, self.rejected_cells, self.rejected_subjects, self.partly)
        self.findings, self.rejected, self.rejected_cells, self.rejected_subjects = [], [], [], 0
        return taken
