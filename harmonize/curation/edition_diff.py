"""Two editions of a code system: what is new, retired, relabelled, moved, and which rows of a mapping set that touches.

The stores hold all ancestors and no parents; parents are here the nearest ancestors, so a parent that is an ancestor of another
parent does not count. A code that is an alternative id in the newer edition is retired and replaced.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, SpecificationError
from harmonize.terminology.answers import Obsolete, Replaced
from harmonize.terminology.code_names import CodeNames
from harmonize.terminology.sssom import MappingSet
from harmonize.terminology.store import CodeSystemStore, Terminologies


@dataclass(frozen=True, slots=True)
class New:
    """A code that only the newer edition has as active. `restored`: the older one has it as obsolete."""

    code: str
    label: str
    restored: bool


@dataclass(frozen=True, slots=True)
class Retired:
    """A code that only the older edition has as active. `status`: replaced, obsolete or gone; `candidates`: what may stand for it."""

    code: str
    label: str
    status: str
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Relabelled:
    """An active code with another label."""

    code: str
    label_before: str
    label: str


@dataclass(frozen=True, slots=True)
class Moved:
    """An active code with other parents."""

    code: str
    label: str
    parents_before: tuple[str, ...]
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """A row of a mapping set whose code has changed: `change` is retired, relabelled or moved."""

    mapping_set: str
    row: int
    column: str
    code: str
    change: str
    now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EditionDiff:
    """The difference. `moved` is None where one of the editions has no hierarchy."""

    system: str
    before: str
    after: str
    new: tuple[New, ...]
    retired: tuple[Retired, ...]
    relabelled: tuple[Relabelled, ...]
    moved: tuple[Moved, ...] | None
    touched: tuple[Touched, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The answer for scripts."""
        return asdict(self)


def open_edition(path: Path) -> CodeSystemStore:
    """The compiled edition in *path*, or the installed one that it names as SYSTEM@EDITION. Raises CallError, SpecificationError."""
    system, named, edition = str(path).partition("@")
    if named and not path.is_file():
        stores = Terminologies.installed().editions_of(system)
        path = next((store.path for store in stores if store.version == edition), path)
    if not path.is_file():
        raise CallError(f"{path} is no file. To mend it: give two files that `harmonize terminology build` made")
    try:
        store = CodeSystemStore(path)
    except (sqlite3.DatabaseError, KeyError):
        raise SpecificationError(
            "no compiled code system", file=path.name, fix="give a file that `harmonize terminology build` made"
        ) from None
    if not store.complete:
        raise SpecificationError(
            f"it holds only some codes of {store.system}: what is not in it is not retired", file=path.name
        )
    return store


def diff(before: CodeSystemStore, after: CodeSystemStore, sets: Iterable[MappingSet] = ()) -> EditionDiff:
    """What changed from the edition *before* to the edition *after*. Raises CallError for two systems."""
    if before.system != after.system:
        raise CallError(
            f"{before.system} and {after.system} are two code systems. To mend it: give two editions of the same one"
        )
    old, new = _active(before), _active(after)
    known = {code for code, _, _ in before.terms()}
    both = old.keys() & new.keys()
    made = EditionDiff(
        before.system,
        before.version,
        after.version,
        tuple(New(code, new[code], code in known) for code in sorted(new.keys() - old.keys())),
        tuple(_retired(code, old[code], after) for code in sorted(old.keys() - new.keys())),
        tuple(Relabelled(code, old[code], new[code]) for code in sorted(both) if old[code] != new[code]),
        _moved(before, after, new, both),
    )
    touched = [row for mapping_set in sets for row in _touched(mapping_set, made)]
    return EditionDiff(
        made.system, made.before, made.after, made.new, made.retired, made.relabelled, made.moved, tuple(touched)
    )


def _active(store: CodeSystemStore) -> dict[str, str]:
    return {code: label for code, label, obsolete in store.terms() if not obsolete}


def _retired(code: str, label: str, after: CodeSystemStore) -> Retired:
    match after.lookup(code):
        case Replaced(by=by):
            return Retired(code, label, "replaced", (by.code,))
        case Obsolete(candidates=candidates):
            return Retired(code, label, "obsolete", tuple(found.code for found in candidates))
        case _:
            return Retired(code, label, "gone", ())


def _moved(
    before: CodeSystemStore, after: CodeSystemStore, labels: Mapping[str, str], both: Iterable[str]
) -> tuple[Moved, ...] | None:
    old, new = before.hierarchy(), after.hierarchy()
    if not old or not new:
        return None
    made = []
    for code in sorted(both):
        parents_before, parents = _parents(code, old), _parents(code, new)
        if parents_before != parents:
            made.append(Moved(code, labels[code], tuple(sorted(parents_before)), tuple(sorted(parents))))
    return tuple(made)


def _parents(code: str, hierarchy: Mapping[str, set[str]]) -> set[str]:
    ancestors = hierarchy.get(code, set())
    return ancestors.difference(*(hierarchy.get(ancestor, set()) for ancestor in ancestors))


def _touched(mapping_set: MappingSet, made: EditionDiff) -> Iterator[Touched]:
    changes: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for retired in made.retired:
        changes.setdefault(retired.code, []).append(("retired", retired.candidates))
    for relabelled in made.relabelled:
        changes.setdefault(relabelled.code, []).append(("relabelled", (relabelled.label,)))
    for moved in made.moved or ():
        changes.setdefault(moved.code, []).append(("moved", moved.parents))
    name = CodeNames(mapping_set)
    for row in mapping_set.rows:
        for column, code in (("subject_id", name(row.subject)), ("object_id", name(row.object))):
            for change, now in changes.get(code, ()):
                yield Touched(mapping_set.id, row.number, column, code, change, now)
