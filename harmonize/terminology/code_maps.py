"""Translation of codes over many mapping sets: in both directions, and in chains that carry the weakest predicate.

No target is ever picked: where the accepted predicates lead to several codes, all are given. Several codes that only together are
one translation (a combination) are never split. Sets that write a system by another prefix (Orphanet, SCTID) are read with ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from harmonize.errors import CallError, UnknownNameError
from harmonize.terminology.added_sets import added_sets
from harmonize.terminology.code_map_files import find_set, load_set, shipped_sets
from harmonize.terminology.compiled_sets import CompiledSet, Step, content_of
from harmonize.terminology.notation import NotACode, load_systems
from harmonize.terminology.predicates import EXACT, NARROW, STRENGTH, weaker
from harmonize.terminology.sssom import MappingSet

CHAINING = "semapv:MappingChaining"


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
    confidence: float | None = None
    """The lowest that one of the rows states."""
    scenario: int = 0
    """Of a combination: the targets with this number are one translation together."""
    choice_list: int = 0
    """Of a combination: of the targets with this number one is chosen."""
    excluded: bool = False
    """Whether the rows say that the target is absent."""

    def as_json(self) -> dict[str, Any]:
        """The target as the contract writes it, with the rows it comes from."""
        more: dict[str, Any] = {"through": list(self.through)} if self.through else {}
        if self.modifiers:
            more["modifiers"] = list(self.modifiers)
        if self.confidence is not None:
            more["confidence"] = self.confidence
        if self.scenario:
            more.update(scenario=self.scenario, choice_list=self.choice_list)
        if self.excluded:
            more["excluded"] = True
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
    """The answer. `status` is mapped, combination, ambiguous, not-mapped or not-checked (no set leads from the one system to the other).

    Of a combination all targets together are the translation; none of them is one alone.
    """

    status: str
    source: str
    targets: tuple[Target, ...] = ()
    reason: str = ""
    by_design: bool = False
    """Whether a set says itself that there is no target."""

    def as_json(self) -> dict[str, Any]:
        """The answer as the contract writes it."""
        more = {"reason": self.reason} if self.reason else {}
        targets = [target.as_json() for target in self.targets]
        return {"status": self.status, "source": self.source, "targets": targets, **more}


@dataclass
class _Search:
    """One translation on its way: what is accepted beside the predicate, and why steps were passed over."""

    outcome: str
    minimum_confidence: float
    passed_over: set[str] = field(default_factory=set)
    outcomes: set[str] = field(default_factory=set)

    def takes(self, step: Step, *, last: bool) -> bool:
        if step.outcome and step.outcome != self.outcome:
            self.outcomes.add(step.outcome)
            return False
        if step.scenario and not last:
            self.passed_over.add("a combination of several codes stands on the way, which cannot be gone on from")
            return False
        if self.minimum_confidence > (step.confidence if step.confidence is not None else 0):
            self.passed_over.add(f"rows state no confidence of {self.minimum_confidence:g} or more")
            return False
        return True

    def why(self) -> str:
        reasons = sorted(self.passed_over)
        if self.outcomes:
            reasons.append(f"the outcome of the test decides: {', '.join(sorted(self.outcomes)[:9])}")
        return "; ".join(reasons)


class CodeMaps:
    """Mapping sets, searched by the code that is asked for, in both directions."""

    def __init__(self, sets: Iterable[CompiledSet | MappingSet]) -> None:
        self.sets = [s if isinstance(s, CompiledSet) else CompiledSet.in_memory(content_of(s)) for s in sets]
        self.pairs: set[tuple[str, str]] = {pair for one in self.sets for pair in one.pairs}
        self.strays = [stray for one in self.sets for stray in one.strays]

    def systems(self) -> set[str]:
        """The prefixes of all codes that the sets hold."""
        return {system for pair in self.pairs for system in pair}

    def translate(
        self,
        code: str,
        to: str,
        *,
        predicates: Sequence[str] = (EXACT,),
        through: Sequence[str] = (),
        minimum_confidence: float = 0,
        outcome: str = "",
    ) -> Translation:
        """What *code* is in the system *to*, by the first of *predicates* that leads anywhere; over *through*, in that order.

        Rows that state less than *minimum_confidence*, or none where one is asked for, count as not there. *outcome* is the
        result of a test, where *code* is of a test and the result decides. With *to* empty the rows are read from their
        subject to whatever system they lead to.
        """
        route = (_system(code), *through, to)
        for hop in pairwise(route) if to else ():
            if hop not in self.pairs:
                return Translation("not-checked", code, reason=f"no mapping set leads from {hop[0]} to {hop[1]}")
        search = _Search(outcome, minimum_confidence)
        found = self._ways(code, route[1:], search)
        for predicate in predicates:
            targets = tuple(target for target in found if target.predicate == predicate)
            if targets:
                return _answer(code, targets)
        return self._none(code, route[1], predicates, found, search)

    def _ways(self, code: str, route: Sequence[str], search: _Search) -> list[Target]:
        """All targets; of several ways by chains to one code the strongest."""
        ways = [Target(code, EXACT, "", (), "")]
        for place, system in enumerate(route, start=1):
            last = place == len(route)
            ways = [target for way in ways for target in self._continuations(way, system, search, last=last)]
        if len(route) > 1:
            ways = _strongest(ways)
            denied = {(step.code, step.predicate) for step in self._steps(code, route[-1]) if step.denied}
            ways = [replace(way, contested=way.contested or (way.code, way.predicate) in denied) for way in ways]
        return sorted(ways, key=lambda way: (way.scenario, way.choice_list, way.code, way.mapping_set, way.rows))

    def _continuations(self, way: Target, system: str, search: _Search, *, last: bool) -> Iterator[Target]:
        steps = self._steps(way.code, system)
        denied = {(step.code, step.predicate) for step in steps if step.denied}
        for step in steps:
            if step.denied or not search.takes(step, last=last):
                continue
            if way.excluded and step.predicate not in (EXACT, NARROW):
                search.passed_over.add("that something is absent says nothing of what is broader or only near to it")
            else:
                yield _continued(way, step, contested=way.contested or (step.code, step.predicate) in denied)

    def _steps(self, code: str, system: str) -> list[Step]:
        """The rows that lead from *code* to a system, or from their subject to any."""
        if system:
            return [step for one in self.sets for step in one.steps(code, system)]
        return [step for one in self.sets for step in one.forwards(code)]

    def _none(
        self, code: str, system: str, predicates: Sequence[str], found: Sequence[Target], search: _Search
    ) -> Translation:
        if found:
            others = ", ".join(sorted({target.predicate for target in found}))
            reason = f"rows lead there only by {others}; accepted: {', '.join(predicates)}"
            return Translation("not-mapped", code, reason=reason)
        says = next((one.id for one in self.sets if one.says_there_is_none(code, system)), "")
        if says:
            return Translation("not-mapped", code, reason=f"{says} says that there is no target", by_design=True)
        return Translation("not-mapped", code, reason=search.why() or "no row leads there")


def _answer(code: str, targets: tuple[Target, ...]) -> Translation:
    alone = {target.code for target in targets if not target.scenario}
    together: dict[tuple[str, int], dict[int, set[str]]] = {}
    for target in targets:
        if target.scenario:
            lists = together.setdefault((target.mapping_set, target.scenario), {})
            lists.setdefault(target.choice_list, set()).add(target.code)
    if len(alone) + len(together) > 1:
        several = "codes" if not together else "translations, of which some are several codes together"
        return Translation("ambiguous", code, targets, f"the mapping sets lead to several {several}")
    if any(target.contested for target in targets):
        return Translation("ambiguous", code, targets, "another row denies this mapping")
    if len({target.excluded for target in targets}) > 1:
        return Translation("ambiguous", code, targets, "the rows say both that it is there and that it is not")
    if together and any(len(choices) > 1 for lists in together.values() for choices in lists.values()):
        return Translation(
            "ambiguous", code, targets, "several codes together, of which some are to be chosen from a list"
        )
    if together:
        return Translation("combination", code, targets, "only all of these codes together say it")
    return Translation("mapped", code, targets)


def _continued(way: Target, step: Step, *, contested: bool) -> Target:
    first = not way.mapping_set
    stated = [c for c in (way.confidence, step.confidence) if c is not None]
    return Target(
        code=step.code,
        predicate=step.predicate if first else weaker(way.predicate, step.predicate),
        mapping_set=step.mapping_set if first else f"{way.mapping_set} {step.mapping_set}",
        rows=(*way.rows, step.row),
        justification=step.justification if first else CHAINING,
        through=() if first else (*way.through, way.code),
        contested=contested,
        modifiers=step.modifiers,
        confidence=min(stated) if stated else None,
        scenario=step.scenario,
        choice_list=step.choice_list,
        excluded=way.excluded or step.excluded,
    )


def _strongest(ways: Iterable[Target]) -> list[Target]:
    """Of the ways to one code the strongest; one of each predicate where several are as strong, as broad and narrow."""
    best: dict[tuple[str, int, int, bool], dict[str, Target]] = {}
    for way in ways:
        known = best.setdefault((way.code, way.scenario, way.choice_list, way.excluded), {})
        strength = min((STRENGTH[predicate] for predicate in known), default=STRENGTH[way.predicate])
        if STRENGTH[way.predicate] < strength:
            known.clear()
        if STRENGTH[way.predicate] <= strength:
            known.setdefault(way.predicate, way)
    return [way for known in best.values() for way in known.values()]


def _system(code: str) -> str:
    return code.partition(":")[0]


def load_code_maps(wanted: Sequence[str] = ()) -> CodeMaps:
    """The code maps that ship or were added and the files in *wanted*; a name in it takes of those only the ones that are named."""
    installed = {**shipped_sets(), **added_sets()}
    paths = [find_set(name) for name in wanted]
    if not any(name in installed for name in wanted):
        paths = [*installed.values(), *paths]
    return CodeMaps(load_set(path) for path in dict.fromkeys(paths))


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
