"""Crosswalks of items, read from `mappings/items/<a>-<b>.sssom.tsv`: A to B in either direction, with the gaps on both sides.

Read backwards, a row keeps its meaning: broad becomes narrow. Two crosswalks can be composed through a third data set. A composed row
says the weaker of its two predicates (exact, close, broad or narrow, related); broad with narrow is related, for nothing more follows.
Composed rows are derived, nobody curated them, and each names what it goes through.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harmonize.datasets.specification import dataset_names, load_dataset
from harmonize.errors import CallError, SpecificationError, UnknownNameError
from harmonize.shipped import mappings_folder
from harmonize.terminology.predicates import STRENGTH, inverse, weaker
from harmonize.terminology.sssom import NO_TERM, read_mapping_set

_SUFFIX = ".sssom.tsv"


@dataclass(frozen=True, slots=True)
class Match:
    """A row: *subject* of A, *object* of B. `through` is the item between them in a composed row, `path` where the element
    stands in a document of its format (FHIRPath, or JSON names), where the mapping set says it."""

    subject: str
    subject_label: str
    predicate: str
    object: str
    object_label: str
    justification: str
    confidence: str
    mapping_source: str
    comment: str
    mapping_set: str
    through: str = ""
    path: str = ""

    def backwards(self) -> Match:
        """The row from B to A.

        >>> Match("hmd:a", "", "skos:narrowMatch", "mdc:1", "", "j", "", "", "", "s").backwards().predicate
        'skos:broadMatch'
        """
        return Match(
            self.object, self.object_label, inverse(self.predicate), self.subject, self.subject_label,
            self.justification, self.confidence, self.mapping_source, self.comment, self.mapping_set, self.through, self.path,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gap:
    """An item without a counterpart; `reason` where the set says that there is none, and why."""

    id: str
    label: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """Rows from A to B, items of A and of B without a row. A side whose elements are not known here has None."""

    a: str
    b: str
    through: str | None
    mapping_sets: tuple[str, ...]
    rows: tuple[Match, ...]
    gaps_a: tuple[Gap, ...] | None
    gaps_b: tuple[Gap, ...] | None


@cache
def sides(folder: Path | None = None) -> Mapping[tuple[str, str], Path]:
    """The files, by the two names that each is called after."""
    found = {}
    for path in sorted((folder or mappings_folder() / "items").glob(f"*{_SUFFIX}")):
        stem = path.name.removesuffix(_SUFFIX)
        first = max((name for name in dataset_names() if stem.startswith(f"{name}-")), key=len, default=None)
        if first is None:
            raise SpecificationError("the name of the file begins with no data set", file=path.name)
        found[first, stem.removeprefix(f"{first}-")] = path
    return found


def crosswalk(a: str, b: str, *, through: str | None = None, folder: Path | None = None) -> Crosswalk:
    """The crosswalk from *a* to *b*. Raises UnknownNameError, or CallError where there is none."""
    files = sides(folder)
    known = {*dataset_names(), *(name for pair in files for name in pair)}
    for name in (a, b, *([through] if through is not None else [])):
        if name not in known:
            raise UnknownNameError("data set or standard with a crosswalk", name, known)
    if len({a, b, through}) < 3:
        raise CallError(
            "a crosswalk is between two different things. To mend it: `harmonize schema list` names the data sets"
        )
    if through is None:
        rows, reasons, sets = _direct(a, b, files)
    else:
        first, reasons_a, sets_a = _direct(a, through, files)
        second, reasons_b, sets_b = _direct(through, b, files)
        rows, sets = composed(first, second), (*sets_a, *sets_b)
        reasons = {**reasons_a, **reasons_b}
    order = {**_items(a), **{f"\0{item}": text for item, text in _items(b).items()}}
    places = {name: index for index, name in enumerate(order)}
    last = len(places)
    ordered = sorted(
        rows, key=lambda r: (places.get(r.subject, last), r.subject, places.get(f"\0{r.object}", last), r.object)
    )
    return Crosswalk(
        a, b, through, sets, tuple(ordered),
        _gaps(a, {row.subject for row in rows}, reasons), _gaps(b, {row.object for row in rows}, reasons),
    )  # fmt: skip


def _direct(
    a: str, b: str, files: Mapping[tuple[str, str], Path]
) -> tuple[list[Match], dict[str, str], tuple[str, ...]]:
    """Rows from *a* to *b*, reasons of the items that have no counterpart, mapping sets."""
    forwards, backwards = files.get((a, b)), files.get((b, a))
    path = forwards or backwards
    if path is None:
        raise CallError(_no_crosswalk(a, b, files))
    rows = _read(path)
    reasons = {
        row.subject: row.comment or "the mapping set says that there is none" for row in rows if row.object == NO_TERM
    }
    rows = [row for row in rows if NO_TERM not in (row.subject, row.object)]
    sets = tuple(dict.fromkeys(row.mapping_set for row in rows))
    return (rows if forwards else [row.backwards() for row in rows]), reasons, sets


def _no_crosswalk(a: str, b: str, files: Mapping[tuple[str, str], Path]) -> str:
    between = sorted(
        _neighbours(a, files) & _neighbours(b, files), key=lambda name: (name not in dataset_names(), name)
    )
    what = f"there is no crosswalk between {a} and {b}"
    if between:
        return f"{what}, and none is made up. Both have one with {', '.join(between)}. To mend it: --through {between[0]} composes the two"
    near = ", ".join(sorted(_neighbours(a, files))) or "nothing"
    return f"{what}, nor one data set that both have one with. To mend it: choose among those of {a}: {near}"


def _neighbours(name: str, files: Iterable[tuple[str, str]]) -> set[str]:
    return {other for pair in files if name in pair for other in pair if other != name}


def _read(path: Path) -> list[Match]:
    """The rows of a mapping set, checked by the reader of code maps, with their labels."""
    mapping_set = read_mapping_set(path)
    lines = path.read_text("utf-8").splitlines()
    columns = next(line for line in lines if not line.startswith("#")).split("\t")
    rows = []
    for row in (row for row in mapping_set.rows if not row.denied):
        cells = dict(zip(columns, next(csv.reader([lines[row.number - 1]], delimiter="\t")), strict=True))
        rows.append(
            Match(
                row.subject,
                cells.get("subject_label", ""),
                row.predicate,
                row.object,
                cells.get("object_label", ""),
                row.justification,
                row.confidence,
                cells.get("mapping_source", ""),
                row.comment,
                mapping_set.id,
                path=row.path,
            )
        )
    return rows


def composed(first: Iterable[Match], second: Iterable[Match]) -> list[Match]:
    """The rows of *first* continued by those of *second*. Of several ways between two items the one with the strongest predicate stays."""
    following: dict[str, list[Match]] = {}
    for row in second:
        following.setdefault(row.subject, []).append(row)
    best: dict[tuple[str, str], Match] = {}
    for one in first:
        for two in following.get(one.object, ()):
            row = _chained(one, two)
            other = best.get((row.subject, row.object))
            if other is None or STRENGTH[row.predicate] < STRENGTH[other.predicate]:
                best[row.subject, row.object] = row
    return list(best.values())


def _chained(one: Match, two: Match) -> Match:
    comment = "; ".join(text for text in (one.comment, two.comment) if text)
    return Match(
        one.subject, one.subject_label, weaker(one.predicate, two.predicate), two.object, two.object_label,
        "semapv:MappingChaining", "", "derived, not curated", comment, f"{one.mapping_set} {two.mapping_set}", one.object,
        one.path or two.path,
    )  # fmt: skip


def _items(name: str) -> dict[str, str]:
    """The items of a data set of ours: id and what it is called; of others none are known."""
    if name not in dataset_names():
        return {}
    return {item.id: f"{item.class_name}: {item.item}" for item in load_dataset(name).items}


def _gaps(name: str, mapped: set[str], reasons: Mapping[str, str]) -> tuple[Gap, ...] | None:
    items = _items(name)
    if not items:
        return None
    return tuple(Gap(item, label, reasons.get(item, "")) for item, label in items.items() if item not in mapped)


def as_json(found: Crosswalk) -> dict[str, Any]:
    """The answer for scripts. Gaps are null where the elements of that side are not known here."""
    return {
        "from": found.a,
        "to": found.b,
        "through": found.through,
        "mapping_sets": list(found.mapping_sets),
        "rows": [_row_as_json(row) for row in found.rows],
        "gaps": {"from": _gaps_as_json(found.gaps_a), "to": _gaps_as_json(found.gaps_b)},
    }


def _row_as_json(row: Match) -> dict[str, str]:
    made = {
        "from": row.subject,
        "from_label": row.subject_label,
        "predicate": row.predicate,
        "to": row.object,
        "to_label": row.object_label,
        "justification": row.justification,
        "confidence": row.confidence,
        "source": row.mapping_source,
        "comment": row.comment,
        "mapping_set": row.mapping_set,
    }
    more = {"through": row.through, "path": row.path}
    return {**made, **{key: text for key, text in more.items() if text}}


def _gaps_as_json(gaps: tuple[Gap, ...] | None) -> list[dict[str, str]] | None:
    if gaps is None:
        return None
    return [{"id": gap.id, "label": gap.label, **({"reason": gap.reason} if gap.reason else {})} for gap in gaps]
