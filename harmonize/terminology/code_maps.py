"""Translation of codes over many mapping sets: in both directions, and in chains that carry the weakest predicate.

No target is ever picked: where the accepted predicates lead to several codes, all are given.
Sets that write a system by another prefix (Orphanet, SCTID) are read with ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.errors import CallError, UnknownNameError
from harmonize.shipped import mappings_folder
from harmonize.terminology.added_sets import added_sets
from harmonize.terminology.notation import Code, NotACode, load_systems
from harmonize.terminology.predicates import EXACT, STRENGTH, inverse, weaker
from harmonize.terminology.sssom import NO_TERM, MappingSet, read_mapping_set

SUFFIX = ".sssom.tsv"
CHAINING = "semapv:MappingChaining"


class Step(NamedTuple):
    """A mapping read in the direction that is asked for."""

    code: str
    predicate: str
    mapping_set: str
    row: int
    justification: str
    denied: bool
    modifiers: tuple[str, ...] = ()
    """Names of the signs that the row writes behind the code, as `asterisk`."""


@dataclass(frozen=True, slots=True)
class Target:
    """A code that the source leads to, by which rows (`set`, line), and by which codes between."""

    code: str
    predicate: str
    mapping_set: str
    rows: tuple[int, ...]
    justification: str
    through: tuple[str, ...] = ()
    contested: bool = False
    """Whether another row denies what one of the rows states."""
    modifiers: tuple[str, ...] = ()
    """Names of the signs that the last row writes behind the code, as `dagger`."""

    def as_json(self) -> dict[str, Any]:
        """The target as the contract writes it, with the rows it comes from."""
        more = {"through": list(self.through)} if self.through else {}
        if self.modifiers:
            more["modifiers"] = list(self.modifiers)
        return {
            "code": self.code,
            "predicate": self.predicate,
            "mapping_set": self.mapping_set,
            "justification": self.justification,
            "rows": list(self.rows),
            **more,
        }


@dataclass(frozen=True, slots=True)
class Translation:
    """The answer. `status` is mapped, ambiguous, not-mapped or not-checked (no set leads from the one system to the other)."""

    status: str
    source: str
    targets: tuple[Target, ...] = ()
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """The answer as the contract writes it."""
        more = {"reason": self.reason} if self.reason else {}
        targets = [target.as_json() for target in self.targets]
        return {"status": self.status, "source": self.source, "targets": targets, **more}


class Stray(NamedTuple):
    """Rows of a mapping set that hold what is no code of its system; the first of them, and why."""

    mapping_set: str
    rows: int
    first: int
    code: str
    reason: str

    def __str__(self) -> str:
        return f"{self.mapping_set}: {self.rows} rows hold what is no code of its system, such as {self.code[:80]} in line {self.first} ({self.reason})"


class CodeMaps:
    """Mapping sets, indexed by the code that is asked for, in both directions."""

    def __init__(self, sets: Iterable[MappingSet]) -> None:
        self._steps: dict[str, dict[str, list[Step]]] = {}
        self._without: dict[str, dict[str, str]] = {}
        """Code -> system -> the set that says there is no target."""
        self.pairs: set[tuple[str, str]] = set()
        self.strays: list[Stray] = []
        for mapping_set in sets:
            self._add(mapping_set)

    def _add(self, mapping_set: MappingSet) -> None:
        name = CodeNames(mapping_set)
        subjects, objects = set(), set()
        absent: list[tuple[str, bool]] = []
        strays: list[tuple[int, str, str]] = []
        for row in mapping_set.rows:
            wrong = [(row.number, code, why) for code in (row.subject, row.object) if (why := name.why_not(code))]
            strays += wrong[:1]
            if NO_TERM in (row.subject, row.object):
                forwards = row.object == NO_TERM
                absent.append((name(row.subject if forwards else row.object), forwards))
                continue
            subject, target = name(row.subject), name(row.object)
            origin = (mapping_set.id, row.number, row.justification, row.denied)
            self._put(subject, Step(target, row.predicate, *origin, name.modifiers(row.object)))
            self._put(target, Step(subject, inverse(row.predicate), *origin, name.modifiers(row.subject)))
            subjects.add(_system(subject))
            objects.add(_system(target))
        self.pairs |= {pair for a in subjects for b in objects for pair in ((a, b), (b, a))}
        if strays:
            self.strays.append(Stray(mapping_set.id, len(strays), *strays[0]))
        for code, forwards in absent:
            for system in objects if forwards else subjects:
                self._without.setdefault(code, {}).setdefault(system, mapping_set.id)

    def _put(self, code: str, step: Step) -> None:
        self._steps.setdefault(code, {}).setdefault(_system(step.code), []).append(step)

    def systems(self) -> set[str]:
        """The prefixes of all codes that the sets hold."""
        return {system for pair in self.pairs for system in pair}

    def translate(
        self, code: str, to: str, *, predicates: Sequence[str] = (EXACT,), through: Sequence[str] = ()
    ) -> Translation:
        """What *code* is in the system *to*, by the first of *predicates* that leads anywhere; over *through*, in that order."""
        route = (_system(code), *through, to)
        for hop in pairwise(route):
            if hop not in self.pairs:
                return Translation("not-checked", code, reason=f"no mapping set leads from {hop[0]} to {hop[1]}")
        found = self._ways(code, route[1:])
        for predicate in predicates:
            targets = tuple(target for target in found if target.predicate == predicate)
            if targets:
                return _answer(code, targets)
        return Translation("not-mapped", code, reason=self._why(code, route[1], predicates, found))

    def _ways(self, code: str, route: Sequence[str]) -> list[Target]:
        """All targets; of several ways by chains to one code the strongest."""
        ways = [Target(code, EXACT, "", (), "")]
        for system in route:
            ways = [target for way in ways for target in self._continuations(way, system)]
        if len(route) > 1:
            ways = _strongest(ways)
        return sorted(ways, key=lambda way: (way.code, way.mapping_set, way.rows))

    def _continuations(self, way: Target, system: str) -> Iterator[Target]:
        steps = self._steps.get(way.code, {}).get(system, ())
        denied = {(step.code, step.predicate) for step in steps if step.denied}
        for step in steps:
            if not step.denied:
                yield _continued(way, step, contested=way.contested or (step.code, step.predicate) in denied)

    def _why(self, code: str, system: str, predicates: Sequence[str], found: Sequence[Target]) -> str:
        if found:
            others = ", ".join(sorted({target.predicate for target in found}))
            return f"rows lead there only by {others}; accepted: {', '.join(predicates)}"
        says = self._without.get(code, {}).get(system)
        return f"{says} says that there is no target" if says else "no row leads there"


def _answer(code: str, targets: tuple[Target, ...]) -> Translation:
    if len({target.code for target in targets}) > 1:
        return Translation("ambiguous", code, targets, "the mapping sets lead to several codes")
    if any(target.contested for target in targets):
        return Translation("ambiguous", code, targets, "another row denies this mapping")
    return Translation("mapped", code, targets)


def _continued(way: Target, step: Step, *, contested: bool) -> Target:
    if not way.mapping_set:
        return Target(
            step.code,
            step.predicate,
            step.mapping_set,
            (step.row,),
            step.justification,
            contested=contested,
            modifiers=step.modifiers,
        )
    return replace(
        way,
        code=step.code,
        predicate=weaker(way.predicate, step.predicate),
        mapping_set=f"{way.mapping_set} {step.mapping_set}",
        rows=(*way.rows, step.row),
        justification=CHAINING,
        through=(*way.through, way.code),
        contested=contested,
        modifiers=step.modifiers,
    )


def _strongest(ways: Iterable[Target]) -> list[Target]:
    best: dict[str, Target] = {}
    for way in ways:
        other = best.get(way.code)
        if other is None or STRENGTH[way.predicate] < STRENGTH[other.predicate]:
            best[way.code] = way
    return list(best.values())


class CodeNames:
    """Codes of one mapping set as harmonize writes them; what is no code of a system of ours stays as it is written."""

    def __init__(self, mapping_set: MappingSet) -> None:
        self._iris = mapping_set.iris
        self._systems = load_systems()
        self._likely: dict[str, str] = {}
        """Prefix -> the system that its last code was of; a prefix may stand for several, as that of OBO does."""
        self._memo: dict[str, Code | NotACode | None] = {}

    def __call__(self, curie: str) -> str:
        """*curie* in the canonical notation of its system."""
        code = self.parsed(curie)
        return str(code) if isinstance(code, Code) else curie

    def modifiers(self, curie: str) -> tuple[str, ...]:
        """Names of the signs that stand behind the code."""
        code = self.parsed(curie)
        return code.modifiers if isinstance(code, Code) else ()

    def why_not(self, curie: str) -> str | None:
        """Why *curie* is no code, where its prefix is of a system of ours."""
        code = self.parsed(curie)
        return code.reason if isinstance(code, NotACode) else None

    def parsed(self, curie: str) -> Code | NotACode | None:
        """The code that *curie* stands for; None where its prefix is of no system of ours."""
        if curie not in self._memo:
            self._memo[curie] = self._parse(curie)
        return self._memo[curie]

    def _parse(self, curie: str) -> Code | NotACode | None:
        prefix, _, local = curie.partition(":")
        if prefix in self._systems:
            return self._systems.parse(local, prefix)
        texts = (curie, f"{self._iris.get(prefix, '')}{local}")
        likely = self._likely.get(prefix)
        tried = (self._systems.parse_iri(text, (likely,)) for text in texts if likely)
        for code in chain(tried, map(self._systems.of_any_iri, texts)):
            if isinstance(code, Code):
                self._likely[prefix] = code.system
                return code
        return NotACode(f"{likely} writes codes otherwise") if likely else None


def _system(code: str) -> str:
    return code.partition(":")[0]


def shipped_sets() -> dict[str, Path]:
    """The code maps that ship, by name.

    >>> sorted(shipped_sets())[0]
    'consent-purpose'
    """
    return {path.name.removesuffix(SUFFIX): path for path in sorted((mappings_folder() / "codes").glob(f"*{SUFFIX}"))}


def find_set(name_or_file: str) -> Path:
    """The file of a set: a path, or the name of one that ships or was added. Raises UnknownNameError, or CallError for a missing file."""
    shipped = {**added_sets(), **shipped_sets()}
    if name_or_file in shipped:
        return shipped[name_or_file]
    path = Path(name_or_file)
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise CallError(
            f"{name_or_file} is no file. To mend it: give an SSSOM TSV file, or a name of those that ship: {', '.join(shipped)}"
        )
    raise UnknownNameError("mapping set", name_or_file, shipped)


def load_code_maps(wanted: Sequence[str] = ()) -> CodeMaps:
    """The code maps that ship or were added, and the files in *wanted*; a name in it takes of them only the ones that are named."""
    shipped = {**added_sets(), **shipped_sets()}
    paths = [find_set(name) for name in wanted]
    if not any(name in shipped for name in wanted):
        paths = [*shipped.values(), *paths]
    return CodeMaps(read_mapping_set(path) for path in dict.fromkeys(paths))


def parse_code(text: str, known: Iterable[str]) -> str:
    """*text* as a CURIE of a system of ours, or of one that the mapping sets know. Raises CallError."""
    prefix, colon, local = text.strip().partition(":")
    systems = load_systems()
    if not colon or not local:
        raise CallError(f"{text!r} is no CURIE. To mend it: write system and code, as SNOMEDCT:248152002")
    if prefix in systems:
        code = systems.parse(local, prefix)
        if isinstance(code, NotACode):
            raise CallError(f"{text!r} is no code of {prefix}: {code.reason}. To mend it: correct it")
        return str(code)
    if prefix not in known:
        raise UnknownNameError("code system", prefix, {*systems, *known})
    return text.strip()


def parse_system(text: str, known: Iterable[str]) -> str:
    """*text* as a system of ours, or one that the mapping sets know. Raises UnknownNameError."""
    if text not in known and text not in load_systems():
        raise UnknownNameError("code system", text, {*load_systems(), *known})
    return text
