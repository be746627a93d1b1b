"""How often each rule was broken: findings, subjects, and a few places. Sums that can be added in any grouping and order."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harmonize.findings import Finding, add_counts

EXAMPLES = 5
"""Places that a report names for a rule: the first in the order of file, row, column and path. Counts are exact; examples are not all."""

Note = tuple[str, str, str, str, str]
"""What is said once a run: severity, message, file, column, target."""
Example = Mapping[str, Any]
"""Where a finding stands and what it says: the parts of it that `Finding.as_json` writes."""
_PARTS = ("subject", "source", "target", "message", "count")


@dataclass
class RuleCounts:
    """Findings by rule and severity, subjects by rule, and examples.

    What is said of a run or of a file is counted apart: said in two shards of a run, it is one statement. `notes` holds how many values
    or elements each is about, 0 where it counts none.
    """

    findings: dict[tuple[str, str], int] = field(default_factory=dict)
    subjects: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=dict)
    notes: dict[str, dict[Note, int]] = field(default_factory=dict)
    _last_subject: dict[str, str] = field(default_factory=dict)
    _last_kept: dict[str, Any] = field(default_factory=dict)
    """The order of the last example that is kept: most findings of a long run come after it, and no more is asked of them."""

    def add(self, finding: Finding) -> None:
        """Count *finding*. Findings of one subject come together, so that subjects are counted exactly."""
        rule = finding.rule
        if finding.subject is None and (finding.cell is None or finding.cell.row is None):
            self._add_note(finding)
            return
        if self.count(rule, finding.severity.value, finding.subject, _place(finding)):
            self.keep(finding)

    def count(self, rule: str, severity: str, subject: str | None, place: tuple[Any, ...]) -> bool:
        """Count a finding that is none of a run or a file; whether it is among the examples that are kept."""
        key = (rule, severity)
        self.findings[key] = self.findings.get(key, 0) + 1
        if subject is not None and self._last_subject.get(rule) != subject:
            self._last_subject[rule] = subject
            self.subjects[rule] = self.subjects.get(rule, 0) + 1
        last = self._last_kept.get(rule)
        return last is None or place < last[: len(place)]

    def keep(self, finding: Finding) -> None:
        """Keep *finding* as an example."""
        document = finding.as_json()
        self._keep(finding.rule, {name: document[name] for name in _PARTS if name in document})

    def _add_note(self, finding: Finding) -> None:
        file, _, column = finding.cell or ("", None, "")
        note = (finding.severity.value, finding.message, file, column or "", finding.target or "")
        notes = self.notes.setdefault(finding.rule, {})
        about = finding.count if finding.outcome is not None or finding.count != 1 else 0
        notes[note] = notes.get(note, 0) + about

    def merge(self, other: RuleCounts) -> None:
        """Add *other*, which counts other subjects."""
        add_counts(self.findings, other.findings)
        add_counts(self.subjects, other.subjects)
        for rule, notes in other.notes.items():
            add_counts(self.notes.setdefault(rule, {}), notes)
        for rule, examples in other.examples.items():
            for example in examples:
                self._keep(rule, example)

    def _keep(self, rule: str, example: Example) -> None:
        kept = self.examples.setdefault(rule, [])
        insort(kept, example, key=example_order)
        if len(kept) >= EXAMPLES:
            del kept[EXAMPLES:]
            self._last_kept[rule] = example_order(kept[-1])

    def number_of(self, rule: str, severity: str) -> int:
        """The findings of *rule* with *severity*, notes included."""
        notes = sum(note[0] == severity for note in self.notes.get(rule, ()))
        return self.findings.get((rule, severity), 0) + notes


NO_PLACE: tuple[Any, ...] = ("", 0, "")
"""The place of a finding that is about a whole record."""


def _place(finding: Finding) -> tuple[Any, ...]:
    if finding.cell is None:
        return NO_PLACE
    file, row, column = finding.cell
    return file, row or 0, column or ""


def example_order(example: Example) -> tuple[Any, ...]:
    """The order of examples: by file, row, column, target and path, then by what they say.

    >>> example_order({"source": {"file": "a.csv", "row": 3, "column": None}, "message": "m"})
    ('a.csv', 3, '', '', '', '', 'm', 1)
    """
    source, target = example.get("source") or {}, example.get("target") or {}
    return (
        source.get("file") or "",
        source.get("row") or 0,
        source.get("column") or "",
        target.get("format") or "",
        target.get("path") or "",
        example.get("subject") or "",
        example["message"],
        example.get("count", 1),
    )


def first_examples(examples: Iterable[Example]) -> list[Example]:
    """The examples that are kept of all *examples*."""
    return sorted(examples, key=example_order)[:EXAMPLES]
