"""What a worker gives back for a batch of subjects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import NamedTuple

import orjson

from harmonize.checks.catalogue import rule
from harmonize.convert.tally import Tally
from harmonize.findings import Finding, Outcome, add_counts
from harmonize.report.rule_counts import NO_PLACE
from harmonize.writers import Document

_FINDINGS = "private/findings.ndjson"


class MadeLines(NamedTuple):
    """Lines of a file as one text, and how many they are."""

    text: bytes
    number: int


@dataclass
class BatchResult:
    """What becomes of a batch on the way: lines for files, and what was counted."""

    lines: dict[str, list[bytes]] = field(default_factory=dict)
    """Whole lines: a copy of what `orjson.dumps` hands out, which takes a kilobyte, and of findings there may be thousands."""
    documents: dict[str, defaultdict[str, list[bytes]]] = field(
        default_factory=partial(defaultdict, partial(defaultdict, list))
    )
    """Target -> stem -> lines without their ends."""
    tally: Tally = field(default_factory=Tally)
    lost: dict[tuple[str, Outcome], int] = field(default_factory=dict)
    """(`file/column`, outcome) -> values that no target has, for they were lost on the way to the hub."""

    def absorb(self, other: BatchResult) -> None:
        """Take over what one subject made."""
        for name, lines in other.lines.items():
            self.lines.setdefault(name, []).extend(lines)
        for target, stems in other.documents.items():
            for stem, lines in stems.items():
                self.documents[target][stem].extend(lines)
        self.tally.add(other.tally)
        add_counts(self.lost, other.lost)

    def add_documents(self, target: str, documents: Iterable[Document]) -> None:
        """Add the documents of a subject, each to the file of its kind."""
        lines = self.documents[target]
        for made in documents:
            lines[made.stem].append(made.line)

    def lose(self, column: str, outcome: Outcome) -> None:
        """Count a value of *column* (`file/column`) that no target has."""
        key = (column, outcome)
        self.lost[key] = self.lost.get(key, 0) + 1

    def leave_out(self, values: Iterable[tuple[str, str]]) -> None:
        """Count *values*, (`file/column`, reason), that say nothing by the profile: each is lost, and its reason is told."""
        counts = self.tally.left_out
        for value in values:
            counts[value] = counts.get(value, 0) + 1

    def write(self, name: str, line: bytes) -> None:
        """Add a line, without its end, to the file *name*."""
        self.lines.setdefault(name, []).append(line + b"\n")

    def find(self, finding: Finding) -> None:
        """Count *finding* and put it into the private list."""
        finding = with_advice(finding)
        self.tally.counts.add(finding)
        self.write(_FINDINGS, finding.line())

    def say(self, rule_id: str | None, subject: str, outcome: Outcome | None) -> None:
        """Find what a rule on the whole record says, in the words of its title."""
        if rule_id is not None:
            severity, before, after = _said_of_records(rule_id, outcome)
            if self.tally.counts.count(rule_id, severity, subject, NO_PLACE):
                self.tally.counts.keep(_of_record(rule_id, subject, outcome))
            self.write(_FINDINGS, before + orjson.dumps(subject) + after)

    def finished(self, targets: Iterable[str]) -> FinishedBatch:
        """What goes back of a batch that was converted to *targets*."""
        for target in targets:
            for (column, outcome), number in self.lost.items():
                self.tally.account.lose(target, column, outcome, number)
            for (column, _), number in self.tally.left_out.items():
                self.tally.account.lose(target, column, Outcome.DROPPED, number)
        made = {name: MadeLines(b"".join(lines), len(lines)) for name, lines in self.lines.items()}
        for target, stems in self.documents.items():
            for stem, lines in stems.items():
                made[f"{target}/{stem}.ndjson"] = MadeLines(b"\n".join((*lines, b"")), len(lines))
        return FinishedBatch(made, self.tally)


class FinishedBatch(NamedTuple):
    """What a worker gives back for a batch: texts for files, and what was counted."""

    lines: Mapping[str, MadeLines]
    tally: Tally


def _of_record(rule_id: str, subject: str, outcome: Outcome | None) -> Finding:
    known = rule(rule_id)
    return Finding(rule_id, known.severity, known.title, outcome, subject=subject, fix=known.fix)


@lru_cache(maxsize=100)
def _said_of_records(rule_id: str, outcome: Outcome | None) -> tuple[str, bytes, bytes]:
    """The severity of a rule on whole records, and what stands before and behind the subject in the line of its finding."""
    finding = _of_record(rule_id, "", outcome)
    before, _, after = finding.line().partition(b'"subject":""')
    return finding.severity.value, before + b'"subject":', after


def with_advice(finding: Finding) -> Finding:
    """Every finding says what to do: where it does not itself, its rule does."""
    return finding if finding.fix is not None else replace(finding, fix=rule(finding.rule).fix)
