"""What a run counts: the account of values, findings by rule, notes; sums of which are sums, and which a checkpoint keeps as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harmonize.findings import Accounting, Outcome, Severity, add_counts
from harmonize.profiles.notes import RunNote
from harmonize.report.rule_counts import RuleCounts


@dataclass
class Tally:
    """What was counted: for a subject, a batch, or all batches that were written."""

    account: Accounting = field(default_factory=Accounting)
    counts: RuleCounts = field(default_factory=RuleCounts)
    run_notes: dict[tuple[str, str], RunNote] = field(default_factory=dict)
    declared: dict[tuple[str, str, Outcome], int] = field(default_factory=dict)
    """(target, `file/column`, outcome) -> cells that the target cannot hold by declaration, where others of the column are held."""
    left_out: dict[tuple[str, str], int] = field(default_factory=dict)
    """(`file/column`, reason) -> cells whose text says nothing by the profile."""

    def add(self, other: Tally) -> None:
        """Add what another one counted."""
        self.account.add(other.account)
        self.counts.merge(other.counts)
        self.run_notes.update(other.run_notes)
        add_counts(self.declared, other.declared)
        add_counts(self.left_out, other.left_out)

    def as_json(self) -> dict[str, Any]:
        """The sums as JSON; keys of several parts become lists."""
        account, counts = self.account, self.counts
        return {
            "subjects": account.subjects,
            "rows": account.rows,
            "read": account.read,
            "exceptions": [[*key, number] for key, number in account.exceptions.items()],
            "defaulted": account.defaulted,
            "findings": [[*key, number] for key, number in counts.findings.items()],
            "subjects_of_rules": counts.subjects,
            "examples": counts.examples,
            "notes": [[rule, *note, number] for rule, notes in counts.notes.items() for note, number in notes.items()],
            "run_notes": [[subject, *note] for (_, subject), note in self.run_notes.items()],
            "declared": [[*key, number] for key, number in self.declared.items()],
            "left_out": [[*key, number] for key, number in self.left_out.items()],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], default_outcomes: dict[tuple[str, str], Outcome]) -> Tally:
        """The sums that `as_json` wrote. *default_outcomes* are those of the plan."""
        account = Accounting(
            subjects=document["subjects"],
            rows=document["rows"],
            read=document["read"],
            exceptions={(target, column, Outcome(o)): number for target, column, o, number in document["exceptions"]},
            default_outcomes=default_outcomes,
            defaulted=document["defaulted"],
        )
        counts = RuleCounts(
            findings={(rule, severity): number for rule, severity, number in document["findings"]},
            subjects=document["subjects_of_rules"],
            examples=document["examples"],
        )
        for rule, *note, number in document["notes"]:
            counts.notes.setdefault(rule, {})[tuple(note)] = number
        notes = {
            (rule, subject): RunNote(rule, Severity(severity), message, fix)
            for subject, rule, severity, message, fix in document["run_notes"]
        }
        declared = {(target, column, Outcome(o)): number for target, column, o, number in document["declared"]}
        left_out = {(column, reason): number for column, reason, number in document["left_out"]}
        return cls(account, counts, notes, declared, left_out)
