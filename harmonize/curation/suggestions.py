"""`harmonize mappings suggest`: candidates of mappings for codes that no map has, from the names of an installed code system.

A candidate is a question to a curator. The set says so in its id, and nothing that translates codes reads such a set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple
from urllib.parse import quote

import harmonize
from harmonize.curation.coverage import UNMAPPED, CodeOutcome, Coverage, Row
from harmonize.curation.lexical_index import EXACT_KINDS, LexicalIndex, Match
from harmonize.curation.mapping_table import MappingTable, TableRow
from harmonize.errors import CallError
from harmonize.terminology.sssom import CANDIDATES
from harmonize.terminology.store import CodeSystemStore, Terminologies

LEXICAL, COMPOSITE = "semapv:LexicalMatching", "semapv:CompositeMatching"
COLUMNS = ("subject_id", "subject_label", "predicate_id", "object_id", "object_label", "mapping_justification",
           "confidence", "mapping_tool", "match_string", "comment")  # fmt: skip
MOST = 5
"""Candidates for one code, their common parent apart."""
_ALIKE = 0.55
"""The confidence that no name reaches that has only some words in common."""
WORD = "WORD"
"""The prefix of words of a list, which have no code system."""
STANDARD_PREFIXES = {
    "semapv": "https://w3id.org/semapv/vocab/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "sssom": "https://w3id.org/sssom/",
}
BASE = "https://w3id.org/harmonize/mappings"
"""The start of the ids of mapping sets."""
_GAIN = re.compile(r"(?:(?P<before>.*); )?(?P<records>[0-9]+) records and (?P<persons>[0-9]+) persons of .* would gain")
_KEPT = (CodeOutcome.KEPT, CodeOutcome.NOT_CHECKED)


class Candidate(NamedTuple):
    """A target that a code may have."""

    code: str
    label: str
    predicate: str
    confidence: float
    name: str
    """The name that is alike; of a common parent, the candidates that it is the parent of."""
    justification: str = LEXICAL


class Suggested(NamedTuple):
    """The candidates as a mapping set, and what there are none for."""

    table: MappingTable
    codes: int
    without_label: int
    without_candidate: int
    left_out: int = 0
    """Candidates that a reviewer had refused before."""


class Gain(NamedTuple):
    """What a comment says of a candidate: how many would gain, and what stands before that."""

    before: str
    records: int
    persons: int


def suggest(
    made: Coverage,
    terminologies: Terminologies,
    to: str,
    prefixes: Mapping[str, str],
    *,
    language: str | None = None,
    kept: bool = False,
    without: Set[tuple[str, str]] = frozenset(),
) -> Suggested:
    """Candidates in the code system *to* for what *made* lists as not mapped; with *kept*, also for codes that are kept as they are.

    *without* are (subject, object) that a reviewer refused.

    Raises CallError where *to* is not installed or has no names in *language*.
    """
    store = _store(terminologies, to)
    index = LexicalIndex(store.named(language))
    if not len(index):
        what = f"names in the language {language!r}" if language else "names"
        fix = "add a translation (Babelon) or the whole code system with `harmonize terminology add`"
        raise CallError(f"{to} has no {what}. To mend it: {fix}")
    wanted = list(_wanted(made, to, kept=kept))
    labelled = [(row, label) for row in wanted if (label := _label_of(row))]
    by_subject: dict[str, set[str]] = {}
    for subject, code in without:
        by_subject.setdefault(subject, set()).add(code)
    refused = [by_subject.get(_subject_of(row), set()) for row, _ in labelled]
    found = [
        (row, label, candidates_for(label, index, store, codes))
        for (row, label), codes in zip(labelled, refused, strict=True)
    ]
    rows = [cells for row, label, several in found for cells in _rows(row, label, several)]
    systems = sorted({row["subject_id"].partition(":")[0] for row in rows} | {to})
    table = MappingTable("candidates", _metadata(made.profile, store, systems, prefixes), COLUMNS, tuple(
        TableRow(line, cells, len(COLUMNS)) for line, cells in enumerate(rows, start=1)
    ))  # fmt: skip
    without_candidate = sum(not several for *_, several in found)
    return Suggested(table, len(wanted), len(wanted) - len(labelled), without_candidate, sum(map(len, refused)))


def _store(terminologies: Terminologies, system: str) -> CodeSystemStore:
    store = terminologies.store(system)
    if store is None:
        known = ", ".join(sorted(terminologies.paths))
        raise CallError(
            f"{system} is not installed. To mend it: `harmonize terminology add` it, or take one of {known}"
        )
    return store


def _wanted(made: Coverage, to: str, *, kept: bool) -> Iterator[Row]:
    """The codes that want a target, those of most records first; a code that several columns have, once."""
    outcomes = (*UNMAPPED, *_KEPT) if kept else UNMAPPED
    together: dict[tuple[str, str], Row] = {}
    for row in made.rows:
        if row.code and row.outcome in outcomes and row.system != to:
            known = together.get((row.system, row.code))
            if known is not None:
                row = row._replace(records=row.records + known.records, persons=max(row.persons, known.persons),
                                   column=f"{known.column}, {row.column}", label=row.label or known.label)  # fmt: skip
            together[row.system, row.code] = row
    return iter(sorted(together.values(), key=lambda row: (-row.records, -row.persons, row.code)))


def _label_of(row: Row) -> str:
    """What the code is called; a word of a list is its own label."""
    return row.label or ("" if row.system else row.code)


def candidates_for(
    label: str, index: LexicalIndex, store: CodeSystemStore, without: Set[str] = frozenset()
) -> list[Candidate]:
    """The candidates for *label* but the codes *without*, most certain first, and the parent that several have in common."""
    matches = [match for match in index.matches(label) if match.code not in without]
    labels = {match.code: store.label(match.code) for match in matches}
    ranked = sorted((_candidate(match, labels[match.code]) for match in matches), key=lambda one: -one.confidence)[
        :MOST
    ]
    parent = _common_parent(ranked, store)
    return [*ranked, parent] if parent is not None and parent.code not in without else ranked


def _candidate(match: Match, label: str) -> Candidate:
    """What a match says, and how sure it is. The same name is no proof that the same thing is meant: nothing is certain."""
    predicate, confidence = _same(match) if match.score == 1.0 else _alike(match)
    return Candidate(match.code, label, predicate, confidence, match.text)


def _same(match: Match) -> tuple[str, float]:
    """The name is the same, or has the same words. A broad synonym is broader than its term, so that the term is narrower."""
    certainty = {
        "label": ("skos:exactMatch", 0.9),
        "broad": ("skos:narrowMatch", 0.7),
        "narrow": ("skos:broadMatch", 0.7),
    }
    of_synonym = ("skos:exactMatch", 0.85) if match.kind in EXACT_KINDS else ("skos:closeMatch", 0.7)
    predicate, confidence = certainty.get(match.kind, of_synonym)
    return predicate, confidence if match.same_name else round(confidence - 0.1, 2)


def _alike(match: Match) -> tuple[str, float]:
    confidence = round(_ALIKE * match.score, 2)
    if match.label_has_more:  # the label says more than the name: the term is broader
        return "skos:broadMatch", confidence
    return ("skos:narrowMatch" if match.name_has_more else "skos:closeMatch"), confidence


def _common_parent(candidates: Sequence[Candidate], store: CodeSystemStore) -> Candidate | None:
    """The nearest term above several candidates, unless it is one of them or the root.

    They are those of the same name; where the label is no name of any, those that are more special than it.
    """
    if candidates and candidates[0].confidence > _ALIKE:
        first = [one for one in candidates if one.confidence == candidates[0].confidence]
    else:
        first = [one for one in candidates if one.predicate == "skos:narrowMatch"]
    if len(first) < 2:
        return None
    above = {one.code: store.ancestors(one.code) for one in first}
    shared = frozenset.intersection(*above.values()) - {one.code for one in candidates}
    if not shared or any(one.code in found for one in first for code, found in above.items() if code != one.code):
        return None  # one of them is above another: it is the parent that is offered
    depth = {code: len(store.ancestors(code)) for code in sorted(shared)}
    nearest = max(depth, key=lambda code: (depth[code], code))
    if depth[nearest] <= 1:  # nothing is above the root
        return None
    below = ", ".join(sorted(above))
    confidence = round(0.8 * first[0].confidence, 2)
    return Candidate(nearest, store.label(nearest), "skos:broadMatch", confidence, f"parent of {below}", COMPOSITE)


def _subject_of(row: Row) -> str:
    return row.code if row.system else f"{WORD}:{quote(row.code, safe='')}"


def gain_of(comment: str) -> Gain | None:
    """What a comment of `_rows` says; None where it is another's.

    >>> gain_of("parent of HP:1, HP:2; 7 records and 3 persons of a.csv/x would gain")
    Gain(before='parent of HP:1, HP:2', records=7, persons=3)
    """
    match = _GAIN.fullmatch(comment)
    return Gain(match["before"] or "", int(match["records"]), int(match["persons"])) if match else None


def _rows(row: Row, label: str, candidates: Iterable[Candidate]) -> Iterator[dict[str, str]]:
    subject = _subject_of(row)
    gain = f"{row.records} records and {row.persons} persons of {row.column} would gain"
    for one in candidates:
        yield {
            "subject_id": subject,
            "subject_label": label,
            "predicate_id": one.predicate,
            "object_id": one.code,
            "object_label": one.label,
            "mapping_justification": one.justification,
            "confidence": f"{one.confidence:.2f}",
            "mapping_tool": f"harmonize {harmonize.__version__}",
            "match_string": one.name if one.justification == LEXICAL else "",
            "comment": gain if one.justification == LEXICAL else f"{one.name}; {gain}",
        }


def _metadata(
    profile: str, store: CodeSystemStore, systems: Iterable[str], prefixes: Mapping[str, str]
) -> dict[str, object]:
    to = store.system
    base = f"{BASE}{CANDIDATES}{quote(profile, safe='/')}/{to}"
    own = {WORD: f"{base}/words/"}
    return {
        "mapping_set_id": base,
        "mapping_set_title": f"Candidates of {to} for codes of {profile} that are not mapped; nobody has accepted them",
        "license": "https://w3id.org/sssom/license/unspecified",
        **({"object_source_version": store.version} if store.version else {}),
        "curie_map": {name: {**prefixes, **own}[name] for name in systems if name in {**prefixes, **own}}
        | STANDARD_PREFIXES,
    }
