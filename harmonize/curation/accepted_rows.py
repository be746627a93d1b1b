"""Candidates that are accepted, as rows of a code map: what the map would say with them is judged before anything is written."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from harmonize.curation.amended_table import Amendments, amended
from harmonize.curation.mapping_table import MappingTable, TableRow, mapping_table_text, read_mapping_table
from harmonize.curation.reviewers import ORCID_IRI, ORCID_PREFIX
from harmonize.curation.set_lint import lint
from harmonize.curation.suggestions import BASE, COLUMNS, STANDARD_PREFIXES, WORD, gain_of
from harmonize.errors import CallError
from harmonize.findings import Finding, Severity
from harmonize.terminology.sssom import CANDIDATES
from harmonize.terminology.store import Terminologies

SSSOM_VERSION = "1.1"
SUFFIX = ".sssom.tsv"
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_OF_ALL_ROWS = (
    "subject_source", "subject_source_version", "object_source", "object_source_version", "mapping_provider",
    "mapping_tool", "mapping_tool_id", "mapping_tool_version", "mapping_date", "subject_match_field", "object_match_field",
    "subject_preprocessing", "object_preprocessing", "curation_rule", "similarity_measure",
)  # fmt: skip
"""Slots that metadata state for all rows of a set (`Propagatable` in SSSOM 1.1), those of kinds of entities apart."""


class NewSet(NamedTuple):
    """What a set that is not there yet is to say of itself; the empty text where nobody said it."""

    id: str = ""
    licence: str = ""


def added_to(
    into: Path,
    candidates: MappingTable,
    accepted: Mapping[int, TableRow],
    signature: Mapping[str, str],
    new: NewSet,
    terminologies: Terminologies,
) -> tuple[str, list[Finding]]:
    """The text of the set *into* with the rows *accepted*, by number, and what is to be said of it that forbids nothing.

    Raises CallError with all that `mappings lint` finds wrong with the rows, or with the set.
    """
    for number, row in accepted.items():
        if row["subject_id"].startswith(f"{WORD}:"):
            raise CallError(
                f"row {number} is of a word of a list, which is no code. "
                "To mend it: write the object as `meaning` of the permissible value in source.yaml, and refuse the row"
            )
    if into.exists():
        text, table = _existing(into, new)
    else:
        table = _new_table(into, candidates, new)
        text = mapping_table_text(table)
    rows = [dict(_accepted_row(number, row, candidates, table, into, signature)) for number, row in accepted.items()]
    prefixes = _more_prefixes(rows, candidates, table, into)
    made = amended(text, into.name, Amendments(SSSOM_VERSION, prefixes, rows=rows))
    return made, _judge(made, into, list(accepted), terminologies)


def _existing(into: Path, new: NewSet) -> tuple[str, MappingTable]:
    if not into.is_file():
        raise CallError(f"{into} is no file. To mend it: give --into a file *{SUFFIX}")
    table = read_mapping_table(into)
    for option, slot, text in (("--set-id", "mapping_set_id", new.id), ("--license", "license", new.licence)):
        if text and text != table.meta.get(slot):
            raise CallError(
                f"{into} is there, and its {slot} is another than {option} says. To mend it: leave {option} out"
            )
    if CANDIDATES in str(table.meta.get("mapping_set_id", "")):
        raise CallError(f"{into} is a set of candidates. To mend it: give --into a set of your own")
    return into.read_bytes().decode(), table


def _new_table(into: Path, candidates: MappingTable, new: NewSet) -> MappingTable:
    """A set without rows. Its id is that of the profile that the candidates are for, and its name, unless another was given."""
    if not into.name.endswith(SUFFIX) or into.name == SUFFIX:
        raise CallError(f"{into} is no name of a mapping set. To mend it: call it *{SUFFIX}")
    if not _IRI.fullmatch(new.licence):
        raise CallError(
            f"{into} is not there, and a new set must say who may use it. "
            "To mend it: --license IRI, as https://spdx.org/licenses/CC-BY-4.0"
        )
    about = str(candidates.meta["mapping_set_id"]).partition(CANDIDATES)[2]
    profile, _, system = about.rpartition("/")
    made = f"{BASE}/{profile}/{quote(into.name.removesuffix(SUFFIX), safe='')}"
    if new.id and (not _IRI.fullmatch(new.id) or CANDIDATES in new.id):
        raise CallError(f"--set-id {new.id!r} is no IRI of a mapping set. To mend it: give one of your own, as {made}")
    meta = {
        "sssom_version": SSSOM_VERSION,
        "mapping_set_id": new.id or made,
        "mapping_set_version": "0.1.0",
        "mapping_set_title": f"Codes of {unquote(profile)} to {system}, accepted in review",
        "license": new.licence,
        "curie_map": dict(STANDARD_PREFIXES),
    }
    first = [column for column in COLUMNS if column in candidates.columns and column != "comment"]
    return MappingTable(into.name, meta, tuple(first), ())


def _accepted_row(
    number: int, row: TableRow, candidates: MappingTable, table: MappingTable, into: Path, signature: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The cells of the row in the set. How many would gain is no part of a map: it says something of one data set."""
    gain = gain_of(row["comment"])
    yield from ((column, row[column]) for column in candidates.columns if column not in ("comment", *_OF_ALL_ROWS))
    for slot in _OF_ALL_ROWS:
        stated = row[slot] or str(candidates.meta.get(slot, ""))
        of_set = str(table.meta.get(slot, ""))
        if of_set and stated != of_set:
            raise CallError(
                f"row {number}: {slot} is {stated or 'not stated'}, and {into} says {of_set} for all its rows. "
                f"To mend it: give --into another set, or state {slot} row by row there"
            )
        if stated and not of_set:
            yield slot, stated
    yield "comment", row["comment"] if gain is None else gain.before
    yield from signature.items()


def _more_prefixes(
    rows: Sequence[Mapping[str, str]], candidates: MappingTable, table: MappingTable, into: Path
) -> dict[str, str]:
    """Prefixes of the rows that the set does not declare."""
    columns = ("subject_id", "predicate_id", "object_id", "mapping_justification")
    used = dict.fromkeys(row[column].partition(":")[0] for row in rows for column in columns)
    known = {**STANDARD_PREFIXES, **candidates.iris, ORCID_PREFIX: ORCID_IRI}
    wanted = {prefix: known[prefix] for prefix in (*used, ORCID_PREFIX) if prefix in known}
    for prefix, iri in wanted.items():
        if table.iris.get(prefix, iri) != iri:
            raise CallError(
                f"{into} says {prefix}: {table.iris[prefix]}, the candidates {iri}. "
                "To mend it: give --into a set with the same prefixes"
            )
    return {prefix: iri for prefix, iri in wanted.items() if prefix not in table.iris}


def _judge(text: str, into: Path, numbers: Sequence[int], terminologies: Terminologies) -> list[Finding]:
    """Refuse a set with errors, or with anything to be said against the rows that are new; other findings are given back."""
    with tempfile.TemporaryDirectory(prefix="harmonize-") as folder:
        path = Path(folder) / into.name
        path.write_text(text, encoding="utf-8", newline="")
        made = lint([(str(into), path)], terminologies)
    lines = [row.line for row in made.tables[0][1].rows] if made.tables else []
    number_of = dict(zip(lines[len(lines) - len(numbers) :], numbers, strict=True)) if lines else {}
    wrong = [finding for finding in made.findings if _forbids(finding, number_of)]
    if wrong:
        listed = "\n".join(f"  {_said(finding, number_of)}" for finding in wrong)
        raise CallError(
            f"{into} would not be sound, and nothing was written:\n{listed}\n"
            "To mend it: accept other rows, or mend the set; `harmonize explain RULE` says what a rule means"
        )
    return [finding for finding in made.findings if finding not in wrong]


def _forbids(finding: Finding, number_of: Mapping[int, int]) -> bool:
    if finding.severity is Severity.ERROR:
        return True
    return finding.severity is Severity.WARNING and finding.cell is not None and finding.cell.row in number_of


def _said(finding: Finding, number_of: Mapping[int, int]) -> str:
    assert finding.cell is not None
    file, line, _ = finding.cell
    row = f"row {number_of[line]}, " if line is not None and line in number_of else ""
    return f"{row}{file}:{line}: {finding.rule}: {finding.message}"
