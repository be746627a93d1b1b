"""How far the code maps and terminologies of a profile cover a data set: counts by column, code and outcome.

A code is counted once for each cell that states it. What a report may show of a cell is decided here (`coverage`): codes of public
code lists. A text that is none is counted and never shown, nor kept.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.errors import InputError
from harmonize.findings import add_counts

SHARED_BY = 5
"""Persons who must share a code that nobody here can look up before it is shown: what five persons share names none of them."""
MOST_TEXTS = 100_000
"""Distinct texts of a column that are told apart; where there are more, so many are counted."""
COLUMNS = ("outcome", "system", "code", "label", "column", "distinct", "records", "persons", "share", "cumulative")
NOT_SHOWN = "(not shown)"
_HEAD = b"#profile: "


class CodeOutcome(StrEnum):
    """What became of a code or word of the source."""

    EXACT = "exact"
    COARSENED = "coarsened"
    KEPT = "kept"
    NOT_CHECKED = "not-checked"
    WORDS = "words"
    NO_VALUE = "no-value"
    NO_TARGET = "no-target"
    NOT_MAPPED = "not-mapped"
    NOT_A_CODE = "not-a-code"


MEANING = {
    CodeOutcome.EXACT: "mapped, exactly",
    CodeOutcome.COARSENED: "mapped to something broader",
    CodeOutcome.KEPT: "a known code, kept as it is",
    CodeOutcome.NOT_CHECKED: "kept as it is; its code system is not installed",
    CodeOutcome.WORDS: "kept as words, without a code",
    CodeOutcome.NO_VALUE: "says why there is no value",
    CodeOutcome.NO_TARGET: "the mapping set says that nothing is its target",
    CodeOutcome.NOT_MAPPED: "no row of a mapping set, no entry of a list",
    CodeOutcome.NOT_A_CODE: "no code of a system that the place takes",
}
UNMAPPED = (CodeOutcome.NOT_MAPPED, CodeOutcome.NOT_A_CODE)
"""What the Pareto list is of."""


Place = tuple[str, str, CodeOutcome]
"""Column, system, outcome."""


class Fact(NamedTuple):
    """What a cell states and what became of it. `code` is empty for a text, of which `text` is a digest."""

    column: str
    outcome: CodeOutcome
    system: str
    code: str
    label: str
    public: bool
    """Whether the code may be shown however few persons have it."""
    text: bytes = b""


def digest(text: str) -> bytes:
    """What tells distinct texts apart while they are counted; it is written nowhere."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


@dataclass
class Tally:
    """Counts over subjects; tallies of batches add up to the same whatever process made them."""

    subjects: dict[str, int] = field(default_factory=dict)
    records: dict[Fact, int] = field(default_factory=dict)
    persons: dict[Fact, int] = field(default_factory=dict)
    people: dict[Place, int] = field(default_factory=dict)
    """Persons with a code or word of that outcome."""
    texts: dict[Fact, set[bytes]] = field(default_factory=dict)
    """Of texts, by column and outcome: the digests of distinct ones."""

    def subject(self, state: str) -> None:
        """Count a subject that was read, skipped or failed."""
        self.subjects[state] = self.subjects.get(state, 0) + 1

    def add(self, facts: Iterable[Fact]) -> None:
        """Count what the cells of one subject state."""
        mine: dict[Fact, int] = {}
        for fact in facts:
            plain = fact._replace(text=b"")
            mine[plain] = mine.get(plain, 0) + 1
            if fact.text:
                self._texts(plain, {fact.text})
        add_counts(self.records, mine)
        add_counts(self.persons, dict.fromkeys(mine, 1))
        add_counts(self.people, dict.fromkeys(((fact.column, fact.system, fact.outcome) for fact in mine), 1))

    def _texts(self, fact: Fact, found: set[bytes]) -> None:
        known = self.texts.setdefault(fact, set())
        if len(known) < MOST_TEXTS:
            known |= found

    def merge(self, other: Tally) -> None:
        """Add what another batch counted."""
        for mine, more in ((self.subjects, other.subjects), (self.records, other.records),
                           (self.persons, other.persons), (self.people, other.people)):  # fmt: skip
            add_counts(mine, more)
        for fact, found in other.texts.items():
            self._texts(fact, found)


class Row(NamedTuple):
    """A code, or what is not shown of a column taken together: `code` is empty and `distinct` says of how many it is."""

    outcome: CodeOutcome
    system: str
    code: str
    label: str
    column: str
    distinct: int
    records: int
    persons: int

    def as_json(self) -> dict[str, Any]:
        """The row for scripts."""
        return {**self._asdict(), "outcome": self.outcome.value, "code": self.code or None, "label": self.label or None}


@dataclass(frozen=True)
class Coverage:
    """The coverage of a data set by the maps of a profile."""

    profile: str
    subjects: dict[str, int]
    rows: tuple[Row, ...]
    """By outcome as `CodeOutcome` lists them, most records first."""
    people: dict[Place, int] = field(default_factory=dict)

    def pareto(self) -> list[tuple[Row, float, float]]:
        """What is not mapped, most records first; each with its share of the records, and the share up to and with it."""
        rows = sorted((row for row in self.rows if row.outcome in UNMAPPED), key=_by_records)
        total = sum(row.records for row in rows)
        sums = accumulate(row.records for row in rows)
        return [(row, row.records / total, so_far / total) for row, so_far in zip(rows, sums, strict=True)]

    def columns(self) -> Iterator[tuple[str, str, dict[CodeOutcome, tuple[int, int, int]]]]:
        """Column, system and by outcome distinct codes, records and persons; by column, then system."""
        made: dict[tuple[str, str], dict[CodeOutcome, list[Row]]] = {}
        for row in self.rows:
            made.setdefault((row.column, row.system), {}).setdefault(row.outcome, []).append(row)
        for (column, system), by_outcome in sorted(made.items()):
            yield column, system, {o: self._sums(by_outcome[o]) for o in CodeOutcome if o in by_outcome}

    def _sums(self, rows: Sequence[Row]) -> tuple[int, int, int]:
        """Distinct codes, records and persons; of a table that was read back the persons of its largest row."""
        place = (rows[0].column, rows[0].system, rows[0].outcome)
        persons = self.people.get(place, max(row.persons for row in rows))
        return sum(row.distinct for row in rows), sum(row.records for row in rows), persons

    def as_json(self, top: int | None = None) -> dict[str, Any]:
        """The coverage for scripts; of what is not mapped, the first *top*."""
        outcomes = [
            {
                "column": column,
                "system": system or None,
                "outcomes": {
                    outcome.value: dict(zip(("codes", "records", "persons"), sums, strict=True))
                    for outcome, sums in by_outcome.items()
                },
            }
            for column, system, by_outcome in self.columns()
        ]
        unmapped = [
            {**row.as_json(), "share": round(share, 6), "cumulative": round(up_to, 6)}
            for row, share, up_to in self.pareto()[:top]
        ]
        return {"profile": self.profile, "subjects": self.subjects, "columns": outcomes, "unmapped": unmapped}


def _by_records(row: Row) -> tuple[Any, ...]:
    return -row.records, -row.persons, row.column, row.code, row.system, row.outcome


def coverage(profile: str, tally: Tally) -> Coverage:
    """The counts as rows. Codes that are not public and that few persons share are taken together, as texts are."""
    rows, hidden = [], dict[Fact, list[Fact]]()
    for fact in tally.records:
        if fact.code and (fact.public or tally.persons[fact] >= SHARED_BY):
            rows.append(_row(fact, [fact], tally))
        else:
            together = fact._replace(code="", label="", public=False)
            hidden.setdefault(together, []).append(fact)
    rows += [_row(together, facts, tally) for together, facts in hidden.items()]
    order = list(CodeOutcome)
    rows.sort(key=lambda row: (order.index(row.outcome), *_by_records(row)))
    return Coverage(profile, dict(sorted(tally.subjects.items())), tuple(rows), tally.people)


def _row(fact: Fact, facts: Sequence[Fact], tally: Tally) -> Row:
    distinct = sum(1 if one.code else min(len(tally.texts[one]), MOST_TEXTS) for one in facts)
    persons = max(tally.persons[one] for one in facts)  # of what is not shown: at least so many
    records = sum(tally.records[one] for one in facts)
    return Row(fact.outcome, fact.system, fact.code, fact.label, fact.column, distinct, records, persons)


def as_lines(made: Coverage, top: int) -> Iterator[str]:
    """The coverage for people: a line for each column, system and outcome, then the first *top* of what is not mapped."""
    subjects = ", ".join(f"{number} {state}" for state, number in made.subjects.items())
    yield f"{made.profile}: subjects {subjects or 'none'}"
    for column, system, by_outcome in made.columns():
        for outcome, (codes, records, persons) in by_outcome.items():
            yield f"  {column}  {system or 'words'}  {outcome.value}: {codes} codes, {records} records, {persons} persons"
    pareto = made.pareto()
    yield f"not mapped: {sum(row.records for row, *_ in pareto)} records, {sum(row.distinct for row, *_ in pareto)} codes"
    for row, _, up_to in pareto[:top]:
        code = row.code or f"{row.distinct} {NOT_SHOWN}"
        label = f" {row.label}" if row.label else ""
        why = MEANING[row.outcome]
        yield f"  {row.records:>8}  {up_to:>6.1%}  {code}{label}  {row.column}: {why}; {row.persons} persons"


# --- files ----------------------------------------------------------------------------------------------------------


def as_tsv(made: Coverage) -> str:
    """All rows as a tab-separated table; what is not mapped comes last, with its share. The first line names the profile."""
    shares = {row: (f"{share:.6f}", f"{up_to:.6f}") for row, share, up_to in made.pareto()}
    out = io.StringIO()
    out.write(f"{_HEAD.decode()}{made.profile}\n")
    out.writelines(f"#subjects_{state}: {number}\n" for state, number in made.subjects.items())
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(made.rows, key=lambda row: row.outcome in UNMAPPED):
        plain = row._replace(outcome=row.outcome.value, code=row.code or NOT_SHOWN)  # type: ignore[arg-type]
        writer.writerow([*plain, *shares.get(row, ("", ""))])
    return out.getvalue()


def is_table(path: Path) -> bool:
    """Whether *path* is called and begins as a table that `as_tsv` writes."""
    if path.suffix != ".tsv" or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_HEAD)) == _HEAD


def read_tsv(path: Path) -> Coverage:
    """The table that `as_tsv` wrote. Raises InputError with the line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError("the file cannot be read as UTF-8", file=path.name, fix="give a coverage table") from None
    start = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    head = dict(line[1:].split(": ", 1) for line in lines[:start] if ": " in line)
    table = csv.reader(lines[start:], delimiter="\t")
    if tuple(next(table, ())) != COLUMNS:
        fix = "give what `harmonize mappings coverage --out` wrote"
        raise InputError("the columns are not those of a coverage table", file=path.name, row=start + 1, fix=fix)
    rows = [_read_row(cells, path.name, number) for number, cells in enumerate(table, start=start + 2)]
    subjects = {
        k.removeprefix("subjects_"): int(n) for k, n in head.items() if k.startswith("subjects_") and n.isdigit()
    }
    return Coverage(head.get("profile", ""), subjects, tuple(rows))


def _read_row(cells: Sequence[str], file: str, number: int) -> Row:
    try:
        outcome, system, code, label, column, *counts = cells[: len(COLUMNS) - 2]
        code = "" if code == NOT_SHOWN else code
        distinct, records, persons = map(int, counts)
        return Row(CodeOutcome(outcome), system, code, label, column, distinct, records, persons)
    except ValueError:
        fix = "leave the table as `harmonize mappings coverage` wrote it"
        raise InputError("the line is no row of a coverage table", file=file, row=number, fix=fix) from None
