"""What is said about data: findings, the rules behind them, and the exact account of every value.

A finding is collected and can be written as one line of JSON; it is never raised. Its message quotes codes of public
terminologies, never a name, an identifier, a date of birth or free text. The shape is the contract of `cli.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import orjson


class Severity(StrEnum):
    """How bad a finding is, worst first in `Severity.order`."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


SEVERITIES: tuple[Severity, ...] = (Severity.FATAL, Severity.ERROR, Severity.WARNING, Severity.INFO)


class Outcome(StrEnum):
    """What became of a source value for one target."""

    CARRIED = "carried"
    COARSENED = "coarsened"
    DROPPED = "dropped"
    DEFAULTED = "defaulted"
    UNMAPPED = "unmapped"
    REJECTED = "rejected"
    SKIPPED = "skipped"


COUNTED_OUTCOMES: tuple[Outcome, ...] = (
    Outcome.CARRIED,
    Outcome.COARSENED,
    Outcome.DROPPED,
    Outcome.UNMAPPED,
    Outcome.REJECTED,
    Outcome.SKIPPED,
)
"""The outcomes that add up to the values read. `defaulted` counts target elements and is kept apart."""

# The best outcome of several feeds is the outcome of the cell: a value that one hub slot carries is carried.
_PREFERENCE: Mapping[Outcome, int] = {
    Outcome.CARRIED: 0,
    Outcome.COARSENED: 1,
    Outcome.UNMAPPED: 2,
    Outcome.DROPPED: 3,
    Outcome.REJECTED: 4,
    Outcome.SKIPPED: 5,
}


def best_outcome(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a cell that feeds several places: the best of theirs.

    >>> best_outcome([Outcome.DROPPED, Outcome.CARRIED])
    <Outcome.CARRIED: 'carried'>
    """
    return min(outcomes, key=_PREFERENCE.__getitem__)


PLACE_BITS, LINE_BITS = 10, 36
IS_ELEMENT = 1 << 61
"""The number of a row that is an element: file, line and place in the line, and this bit, which no row of a table has."""
MAX_FILES = 1 << (61 - PLACE_BITS - LINE_BITS)
"""Files of elements that one run may read."""


def element_number(file: int, line: int, last: int) -> int:
    """The number of the row that an XML element is: by file and line, and greater than the *last* one of the file.

    >>> first = element_number(0, 7, 0)
    >>> shown_row(first), shown_row(element_number(0, 7, first)), file_of(element_number(3, 7, first))
    (7, 7, 3)
    """
    return max(IS_ELEMENT | file << (PLACE_BITS + LINE_BITS) | line << PLACE_BITS, last + 1)


def shown_row(row: int | None) -> int | None:
    """The row as people see it: of an XML element the line.

    >>> shown_row(17)
    17
    """
    if row is None or row < IS_ELEMENT:
        return row
    return row >> PLACE_BITS & (1 << LINE_BITS) - 1


def file_of(row: int) -> int:
    """The index of the file that an XML element stands in."""
    return (row ^ IS_ELEMENT) >> (PLACE_BITS + LINE_BITS)


class Cell(NamedTuple):
    """Where a source value stands: file, row (the header is row 1; None for a whole file; see `shown_row`) and column."""

    file: str
    row: int | None
    column: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement on one value, record, file or run.

    >>> finding = Finding("terms.obsolete", Severity.WARNING, "HP:0410382 is obsolete", cell=Cell("a.csv", 3, "hpo"))
    >>> finding.as_json()["source"]
    {'file': 'a.csv', 'row': 3, 'column': 'hpo'}
    """

    rule: str
    severity: Severity
    message: str
    outcome: Outcome | None = None
    subject: str | None = None
    cell: Cell | None = None
    target: str | None = None
    path: str | None = None
    fix: str | None = None
    count: int = 1
    item: str | None = None
    level: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The finding as the contract writes it, absent parts left out but for `subject`."""
        document: dict[str, Any] = {
            "rule": self.rule,
            "severity": self.severity.value,
            "outcome": self.outcome.value if self.outcome else None,
            "subject": self.subject,
        }
        if self.cell:
            document["source"] = {"file": self.cell.file, "row": shown_row(self.cell.row), "column": self.cell.column}
        if self.target:
            document["target"] = {"format": self.target, "path": self.path}
        if self.item:
            document["item"], document["level"] = self.item, self.level
        document["message"] = self.message
        if self.fix:
            document["fix"] = self.fix
        if self.count != 1:
            document["count"] = self.count
        return document

    def line(self) -> bytes:
        """One line of `findings.ndjson`, without its end."""
        return orjson.dumps(self.as_json())


@dataclass
class Accounting:
    """Exact counts of subjects, rows and values. Adding two accounts is associative and commutative.

    `values` is keyed by target, then by `file/column`, then by outcome; `read` by `file/column`.

    >>> account = Accounting()
    >>> account.read["a.csv/x"] = 3
    >>> account.lose("hub", "a.csv/x", Outcome.UNMAPPED, 1)
    >>> account.default_outcomes[("hub", "a.csv/x")] = Outcome.CARRIED
    >>> account.value_counts(["hub"])["hub"]["a.csv/x"]
    {'read': 3, 'carried': 2, 'coarsened': 0, 'dropped': 0, 'unmapped': 1, 'rejected': 0, 'skipped': 0}
    """

    subjects: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("read", "converted", "rejected", "skipped"), 0)
    )
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    exceptions: dict[tuple[str, str, Outcome], int] = field(default_factory=dict)
    default_outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    defaulted: dict[str, dict[str, int]] = field(default_factory=dict)

    def row(self, file: str, outcome: str, number: int = 1) -> dict[str, int]:
        """Count *number* rows of *file* under read, used, rejected or skipped; the counts of the file."""
        counts = self.rows.get(file)
        if counts is None:
            counts = self.rows[file] = dict.fromkeys(("read", "used", "rejected", "skipped"), 0)
        counts[outcome] += number
        return counts

    def lose(self, target: str, column: str, outcome: Outcome, number: int = 1) -> None:
        """Count *number* values of *column* (`file/column`) whose outcome for *target* is not the default one."""
        key = (target, column, outcome)
        self.exceptions[key] = self.exceptions.get(key, 0) + number

    def default(self, target: str, elements: Mapping[str, int]) -> None:
        """Count target elements that the target demands and no source states."""
        add_counts(self.defaulted.setdefault(target, {}), elements)

    def add(self, other: Accounting) -> None:
        """Add *other* to this account."""
        add_counts(self.subjects, other.subjects)
        for file, counts in other.rows.items():
            for outcome, number in counts.items():
                self.row(file, outcome, number)
        add_counts(self.read, other.read)
        add_counts(self.exceptions, other.exceptions)
        for target, elements in other.defaulted.items():
            self.default(target, elements)
        self.default_outcomes.update(other.default_outcomes)

    def value_counts(self, targets: Iterable[str]) -> dict[str, dict[str, dict[str, int]]]:
        """`counts.values` of the manifest: the exceptions as counted, the rest under the column's default outcome."""
        result: dict[str, dict[str, dict[str, int]]] = {}
        for target in targets:
            columns = result[target] = {}
            for column in sorted(self.read):
                counts = dict.fromkeys(("read", *(o.value for o in COUNTED_OUTCOMES)), 0)
                counts["read"] = rest = self.read[column]
                for outcome in COUNTED_OUTCOMES:
                    number = self.exceptions.get((target, column, outcome), 0)
                    counts[outcome.value] += number
                    rest -= number
                counts[self.default_outcomes.get((target, column), Outcome.DROPPED).value] += rest
                columns[column] = counts
        return result

    def problems(self, targets: Iterable[str]) -> list[str]:
        """Every sum that does not hold. Always empty, or the account is wrong."""
        wrong = []
        if self.subjects["read"] != sum(self.subjects[k] for k in ("converted", "rejected", "skipped")):
            wrong.append("subjects")
        wrong += [f"rows of {f}" for f, c in self.rows.items() if c["read"] != c["used"] + c["rejected"] + c["skipped"]]
        for target, columns in self.value_counts(targets).items():
            for column, counts in columns.items():
                parts = [counts[outcome.value] for outcome in COUNTED_OUTCOMES]
                if counts["read"] != sum(parts) or min(parts) < 0:
                    wrong.append(f"values of {column} for {target}")
        return wrong


def add_counts(into: dict[Any, int], other: Mapping[Any, int]) -> None:
    """Add the numbers of *other* to those of *into*, key by key."""
    for key, number in other.items():
        into[key] = into.get(key, 0) + number
