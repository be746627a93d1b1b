"""`harmonize mappings review`: candidates that people accept, which a code map then has, or refuse, which is remembered.

A decision stands in the file of candidates in the slots of SSSOM 1.1 for it: reviewer_id, review_date and reviewer_agreement, 1.0 for a row
that was accepted and -1.0 ("fully disagrees") for one that was refused. A refusal is no `predicate_modifier: Not`: that would state of the
codes that they do not match so, where a curator may only not want the row. How the row was found stays true: mapping_justification is kept.

Source: https://mapping-commons.github.io/sssom/reviewer_agreement/, https://mapping-commons.github.io/sssom/review_date/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from harmonize.curation.accepted_rows import SSSOM_VERSION, NewSet, added_to
from harmonize.curation.amended_table import Amendments, amended
from harmonize.curation.mapping_table import MappingTable, TableRow, read_mapping_table
from harmonize.curation.reviewers import ORCID_IRI, ORCID_PREFIX
from harmonize.curation.suggestions import WORD, gain_of
from harmonize.errors import CallError, SpecificationError
from harmonize.findings import Finding
from harmonize.terminology.sssom import CANDIDATES, is_refused
from harmonize.terminology.store import Terminologies
from harmonize.whole_files import PartlyWrittenError, write_all_whole

ACCEPTED, REFUSED = "1.0", "-1.0"
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
Numbered = tuple[int, TableRow]


def read_candidates(path: Path) -> MappingTable:
    """The set of candidates *path*. Raises CallError for what is none, SpecificationError for what is no table."""
    if not path.is_file():
        raise CallError(f"{path} is not there. To mend it: give a file that `harmonize mappings suggest` wrote")
    table = read_mapping_table(path)
    if CANDIDATES not in str(table.meta.get("mapping_set_id", "")):
        raise CallError(
            f"{path} is no set of candidates: its mapping_set_id has no {CANDIDATES}. "
            "To mend it: give a file that `harmonize mappings suggest` wrote"
        )
    bad = next((row for row in table.rows if row.width != len(table.columns)), None)
    if bad is not None:
        what = f"{bad.width} cells under {len(table.columns)} columns"
        raise CallError(f"{path}:{bad.line}: {what}. To mend it: correct the line, or suggest anew")
    return table


def is_open(row: TableRow) -> bool:
    """Whether nobody has decided on *row*."""
    return not (row["reviewer_id"] or row["reviewer_label"])


def open_rows(table: MappingTable) -> list[Numbered]:
    """The rows on which nobody has decided, each with its number among all rows of the file."""
    return [(number, row) for number, row in enumerate(table.rows, start=1) if is_open(row)]


def has_decisions(path: Path) -> bool:
    """Whether *path* is a set of candidates on which somebody has decided, which must not be lost."""
    if not path.is_file():
        return False
    try:
        return any(not is_open(row) for row in read_candidates(path).rows)
    except (CallError, SpecificationError):
        return False


def refused_pairs(paths: Iterable[Path]) -> frozenset[tuple[str, str]]:
    """(subject, object) of the candidates in *paths* that a reviewer refused."""
    rows = (row for path in paths for row in read_candidates(path).rows)
    return frozenset((row["subject_id"], row["object_id"]) for row in rows if is_refused(row["reviewer_agreement"]))


# --- what is listed -------------------------------------------------------------------------------------------------


def as_json(number: int, row: TableRow) -> dict[str, Any]:
    """A candidate for scripts."""
    gain = gain_of(row["comment"])
    return {
        "number": number,
        "subject": {"code": row["subject_id"], "label": row["subject_label"] or None},
        "predicate": row["predicate_id"],
        "object": {"code": row["object_id"], "label": row["object_label"] or None},
        "confidence": row["confidence"] or None,
        "match_string": row["match_string"] or None,
        "records": gain.records if gain is not None else None,
        "persons": gain.persons if gain is not None else None,
        "comment": row["comment"] or None,
    }


def as_line(number: int, row: TableRow) -> str:
    """A candidate for people."""
    gain = gain_of(row["comment"])
    records = f"{gain.records} records" if gain is not None else ""
    name = f"by {row['match_string']!r}" if row["match_string"] else gain.before if gain is not None else ""
    said = "; ".join(part for part in (row["confidence"], name, records) if part)
    subject = unquote(row["subject_id"]).removeprefix(f"{WORD}:")
    sides = [f"{subject} {row['subject_label']}", row["predicate_id"], f"{row['object_id']} {row['object_label']}"]
    return f"{number:>5}  {'  '.join(side.strip() for side in sides)}  ({said})"


# --- which rows -----------------------------------------------------------------------------------------------------


def chosen(text: str, table: MappingTable, option: str) -> dict[int, TableRow]:
    """The open rows that *text* names: numbers and ranges as `1,4-7`, or `all`. Raises CallError, also for rows that are decided."""
    if text.strip() == "all":
        return dict(open_rows(table))
    numbers: dict[int, None] = {}
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= len(table.rows):
            rows = f"rows 1 to {len(table.rows)}" if table.rows else "no rows"
            raise CallError(
                f"{option} {part.strip()!r}: {table.name} has {rows}. To mend it: give numbers as 1,4-7, or all"
            )
        numbers |= dict.fromkeys(range(first, last + 1))
    decided = next((number for number in numbers if not is_open(table.rows[number - 1])), None)
    if decided is not None:
        row = table.rows[decided - 1]
        how = "refused" if is_refused(row["reviewer_agreement"]) else "accepted"
        raise CallError(
            f"{option} {decided}: the row was {how} by {row['reviewer_id'] or row['reviewer_label']}. "
            f"To mend it: to decide again, empty its cells of the review (line {row.line})"
        )
    return {number: table.rows[number - 1] for number in numbers}


# --- decisions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Review:
    """Who decides what, and when."""

    accept: Mapping[int, TableRow]
    refuse: Mapping[int, TableRow]
    reviewer: str
    """A CURIE, of `reviewer_curie`."""
    day: date


class Decided(NamedTuple):
    """What was written: the rows that were added to the set, what is to be said of them, and how many candidates are open still."""

    accepted: tuple[int, ...]
    refused: tuple[int, ...]
    said: tuple[Finding, ...]
    open: int


def decide(candidates: Path, review: Review, into: Path | None, new: NewSet, terminologies: Terminologies) -> Decided:
    """Add the rows that are accepted to the set *into*, which is made where it is not there, and mark all that are decided.

    Both files are written, or none. Raises CallError where a row cannot be accepted, with all that is wrong with it.
    """
    both = sorted(review.accept.keys() & review.refuse.keys())
    if both:
        raise CallError(f"row {both[0]} is accepted and refused. To mend it: name it once")
    table = read_candidates(candidates)
    files: dict[Path, bytes] = {}
    said: Sequence[Finding] = ()
    if review.accept:
        if into is None:
            raise CallError("there is no --into, the set that takes what is accepted. To mend it: --into SET.sssom.tsv")
        if into.resolve() == candidates.resolve():
            raise CallError(f"{into} is the set of candidates itself. To mend it: give --into a set of your own")
        signature = {"reviewer_id": review.reviewer, "review_date": review.day.isoformat()}
        text, said = added_to(into, table, review.accept, signature, new, terminologies)
        files[into] = text.encode()
    files[candidates] = _marked(candidates, table, review).encode()
    _write(files)
    still = len(open_rows(table)) - len(review.accept) - len(review.refuse)
    return Decided(tuple(sorted(review.accept)), tuple(sorted(review.refuse)), tuple(said), still)


def _marked(path: Path, table: MappingTable, review: Review) -> str:
    cells = {row.line: _mark(review, agreement) for row, agreement in _decisions(review)}
    prefixes = {} if ORCID_PREFIX in table.iris else {ORCID_PREFIX: ORCID_IRI}
    text = path.read_bytes().decode()
    return amended(text, path.name, Amendments(SSSOM_VERSION, prefixes, cells))


def _decisions(review: Review) -> Iterator[tuple[TableRow, str]]:
    yield from ((row, ACCEPTED) for row in review.accept.values())
    yield from ((row, REFUSED) for row in review.refuse.values())


def _mark(review: Review, agreement: str) -> dict[str, str]:
    return {
        "reviewer_id": review.reviewer,
        "review_date": review.day.isoformat(),
        "reviewer_agreement": agreement,
    }


def _write(files: Mapping[Path, bytes]) -> None:
    try:
        write_all_whole(files)
    except PartlyWrittenError as error:
        written, left = (", ".join(map(str, paths)) for paths in (error.written, error.left))
        raise CallError(
            f"{written} was written and {left} was not ({error.reason}). To mend it: put {written} back as it was, and review again"
        ) from None
    except OSError as error:
        names = " and ".join(map(str, files))
        raise CallError(
            f"{names} cannot be written ({error.strerror}); nothing was changed. "
            "To mend it: give files in folders that are there and yours to write"
        ) from None
