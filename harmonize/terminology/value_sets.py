"""Value sets, compiled over the code systems that are installed: is a code in the set, is it not, or can nobody tell?

A set is compiled once, to the frozen set of its codes, and kept by the digest of its definition and of the terminologies. What it
asks of a system that is not installed, or of a set that nobody gave, is not checked, which is not the same as not in the set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from harmonize.errors import SpecificationError
from harmonize.terminology.answers import Answer, Found, NotChecked
from harmonize.terminology.editions import choose
from harmonize.terminology.notation import NotACode, Systems, load_systems
from harmonize.terminology.patterns import compile_pattern, fits
from harmonize.terminology.store import CodeSystemStore, Terminologies
from harmonize.terminology.value_set_definition import Definition, Filter, Part, curie_of, fhir_code, system_of

CACHE_LIMIT = 200_000


class Membership(Enum):
    """Whether a code is in a value set."""

    YES = "yes"
    NO = "no"
    NOT_CHECKED = "not-checked"


YES, NO, NOT_CHECKED = Membership.YES, Membership.NO, Membership.NOT_CHECKED
_Decide = Callable[[str], Membership]


class CompiledValueSet:
    """A value set that answers.

    `members` are the codes that are in it for certain, `unsure` those of which nobody can tell; where it is `closed`, no other code can
    be in it. `notes` say what it was compiled over, where that is not what the definition names.
    """

    def __init__(
        self,
        members: frozenset[str],
        unsure: frozenset[str],
        decide: _Decide,
        *,
        closed: bool,
        notes: tuple[str, ...],
    ) -> None:
        self.members, self.unsure, self.closed, self.notes = members, unsure, closed, notes
        self._decide = decide
        self._known: dict[str, Membership] = {}

    def membership(self, code: str) -> Membership:
        """Whether the CURIE *code* (of an unknown system `URI|code`) is in the set."""
        if code in self.members:
            return YES
        if self.closed:
            return NOT_CHECKED if code in self.unsure else NO
        answer = self._known.get(code)
        if answer is None:
            if len(self._known) >= CACHE_LIMIT:
                self._known.clear()
            answer = self._known[code] = self._decide(code)
        return answer

    def __contains__(self, code: str) -> bool:
        """Whether *code* is in the set for certain."""
        return code in self.members or (not self.closed and self.membership(code) is YES)


@dataclass(frozen=True)
class _Compiled:
    """A part while it is compiled: what decides, the codes that are in it for certain among those that may be; where it is closed,
    no others are. What decides says yes to the certain ones.
    """

    decide: _Decide
    certain: frozenset[str]
    candidates: frozenset[str]
    closed: bool


def _undecided(_: str) -> Membership:
    return NOT_CHECKED


_NOBODY_KNOWS = _Compiled(_undecided, frozenset(), frozenset(), closed=False)


class ValueSets:
    """Compiles value sets. Those that import others find them by url among *definitions*, with or without `|version`."""

    def __init__(self, terminologies: Terminologies, definitions: Iterable[Definition] = ()) -> None:
        self._terminologies, self._systems = terminologies, load_systems()
        self._by_url: dict[str, Definition] = {}
        for definition in definitions:
            self._by_url[definition.url] = definition
            self._by_url[f"{definition.url}|{definition.version}"] = definition
        self._compiled: dict[str, CompiledValueSet] = {}

    def compiled(self, definition: Definition) -> CompiledValueSet:
        """*definition*, compiled once. Raises SpecificationError where it imports itself or a pattern is none.

        >>> from harmonize.terminology.value_set_definition import Filter
        >>> seizures = Definition("x", "", "", (Part("HP", "", None, (Filter("concept", "is-a", "HP:0001250"),), ()),))
        >>> made = ValueSets(Terminologies.installed()).compiled(seizures)
        >>> made.membership("HP:0002069"), made.membership("HP:0001631")
        (<Membership.YES: 'yes'>, <Membership.NO: 'no'>)
        """
        return self._of(definition, ())

    def _of(self, definition: Definition, above: tuple[str, ...]) -> CompiledValueSet:
        if definition.digest in above:
            fix = "take one of the imports out"
            raise SpecificationError(f"the value set {definition.url} imports itself", file=definition.url, fix=fix)
        key = self._key(definition, frozenset())
        made = self._compiled.get(key)
        if made is None:
            compiler = _Compiler(self._terminologies, self._systems, definition, self._importer(definition, above))
            made = self._compiled[key] = compiler.compiled()
        return made

    def _importer(self, definition: Definition, above: tuple[str, ...]) -> Callable[[str], CompiledValueSet | None]:
        def imported(url: str) -> CompiledValueSet | None:
            found = self._by_url.get(url)
            return None if found is None else self._of(found, (*above, definition.digest))

        return imported

    @cached_property
    def _editions(self) -> str:
        return repr(self._terminologies.digests())

    def _key(self, definition: Definition, seen: frozenset[str]) -> str:
        """The digest of the definition, of what it imports, and of the editions that are installed."""
        if definition.digest in seen:
            return definition.digest
        parts = [definition.digest, self._editions if not seen else ""]
        for url in sorted({url for part in (*definition.include, *definition.exclude) for url in part.value_sets}):
            found = self._by_url.get(url)
            parts.append(f"{url} {self._key(found, seen | {definition.digest}) if found is not None else '-'}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class _Compiler:
    """Compiles one definition."""

    def __init__(
        self,
        terminologies: Terminologies,
        systems: Systems,
        definition: Definition,
        imported: Callable[[str], CompiledValueSet | None],
    ) -> None:
        self._terminologies, self._systems = terminologies, systems
        self._definition, self._imported = definition, imported
        self._notes: dict[str, None] = {}

    def compiled(self) -> CompiledValueSet:
        """The definition over the terminologies; what they cannot decide, its expansion does where there is one."""
        definition = self._definition
        included = [self._part(part) for part in definition.include]
        excluded = [self._part(part) for part in definition.exclude]
        expansion = definition.expansion

        def of_compose(code: str) -> Membership:
            inside = any_of(part.decide(code) for part in included)
            return all_of((inside, opposite(any_of(part.decide(code) for part in excluded))))

        def decide(code: str) -> Membership:
            answer = of_compose(code) if included else NOT_CHECKED
            if answer is NOT_CHECKED and expansion is not None:
                return YES if code in expansion.codes else NO if expansion.whole else NOT_CHECKED
            return answer

        certain = frozenset().union(*(part.certain for part in included))
        members = (
            frozenset(c for c in certain if all(part.decide(c) is NO for part in excluded)) if excluded else certain
        )
        others = (
            frozenset().union(*(part.candidates for part in included), expansion.codes if expansion else ()) - members
        )
        answers = {code: decide(code) for code in others}
        members |= {code for code, answer in answers.items() if answer is YES}
        unsure = frozenset(code for code, answer in answers.items() if answer is NOT_CHECKED)
        closed = all(part.closed for part in included) if included else expansion is not None and expansion.whole
        return CompiledValueSet(members, unsure, decide, closed=closed, notes=tuple(self._notes))

    # --- includes and excludes ---

    def _part(self, part: Part) -> _Compiled:
        conditions = [self._import(url) for url in part.value_sets]
        if part.system:
            conditions.append(self._of_system(part))
        if len(conditions) == 1:
            return conditions[0]
        decides = [condition.decide for condition in conditions]
        smallest = min((c for c in conditions if c.closed), key=lambda c: len(c.candidates), default=None)
        candidates = smallest.candidates if smallest else frozenset().union(*(c.candidates for c in conditions))
        certain = frozenset.intersection(*(condition.certain for condition in conditions))
        return _Compiled(
            lambda code: all_of(decide(code) for decide in decides), certain, candidates, smallest is not None
        )

    def _import(self, url: str) -> _Compiled:
        found = self._imported(url)
        if found is None:
            self._notes[f"the value set {url} is not there: what it decides is not checked"] = None
            return _NOBODY_KNOWS
        self._notes |= dict.fromkeys(found.notes)
        return _Compiled(found.membership, found.members, found.members | found.unsure, found.closed)

    def _of_system(self, part: Part) -> _Compiled:
        if part.codes is not None:
            return _listed(part.codes)
        store, system = self._edition(part), part.system
        filters = [self._filter(one, system, store) for one in part.filters]
        codes = self._codes(store)
        exists = self._existence(system, store, codes)
        certain, candidates = codes, codes
        for one in filters:
            certain = certain & one.certain if one.closed else frozenset(c for c in certain if one.decide(c) is YES)
            candidates = candidates & one.candidates if one.closed else candidates

        def decide(code: str) -> Membership:
            if system_of(code) != system:
                return NO
            return all_of((exists(code), *(one.decide(code) for one in filters)))

        return _Compiled(decide, certain, candidates, closed=store is not None and store.complete)

    def _edition(self, part: Part) -> CodeSystemStore | None:
        """The edition that an include means. None where it is not installed, of systems whose editions differ in what codes say."""
        stores = self._terminologies.editions_of(part.system)
        if not stores:
            if part.system not in self._terminologies.editions():
                self._notes[f"{part.system} is not installed: its codes are not checked"] = None
            return None
        rule = known.editions if (known := self._systems.get(part.system)) else None
        if rule is not None and part.version:
            chosen = choose(rule, [store.version for store in stores], part.version, "")
            if isinstance(chosen, str):
                self._notes[f"{part.system}: {chosen}: its codes are not checked"] = None
                return None
            return stores[chosen.place]
        store = next((store for store in stores if store.version == part.version), stores[-1])
        if part.version and store.version and part.version != store.version:
            note = f"{part.system}: the value set is of edition {part.version}, {store.version} is installed"
            self._notes[note] = None
        return store

    def _codes(self, store: CodeSystemStore | None) -> frozenset[str]:
        if store is None:
            return frozenset()
        return frozenset(code for code, _, obsolete in store.terms() if self._definition.inactive or not obsolete)

    def _existence(self, system: str, store: CodeSystemStore | None, codes: frozenset[str]) -> _Decide:
        """Whether a code of the system is there, and active unless inactive ones are wanted."""
        systems = self._systems
        if store is not None:
            lookup: Callable[[str], Answer] = store.lookup
        elif self._terminologies.store(system) is None:
            lookup = self._terminologies.lookup  # a grammar, as UCUM is, or nothing
        else:
            lookup = _of_no_edition

        def exists(code: str) -> Membership:
            if code in codes:
                return YES
            if (
                store is None
                and system in systems
                and isinstance(systems.parse(code.partition(":")[2], system), NotACode)
            ):
                return NO  # it is not even written as codes of the system are
            answer = lookup(code)
            if isinstance(answer, NotChecked):
                return NOT_CHECKED
            return YES if isinstance(answer, Found) else NO

        return exists

    # --- filters ---

    def _filter(self, one: Filter, system: str, store: CodeSystemStore | None) -> _Compiled:
        if one.op == "regex":
            return self._regex(one, store)
        if one.property == "display":
            return self._labelled(lambda label: label == one.value, store)
        values = [curie_of(self._systems, system, text.strip()) for text in one.value.split(",")]
        if one.op in ("in", "not-in", "="):
            return _without(frozenset(values)) if one.op == "not-in" else _listed(frozenset(values))
        return self._of_hierarchy(one.op, values[0], store)

    def _of_hierarchy(self, op: str, root: str, store: CodeSystemStore | None) -> _Compiled:
        if store is None or not (store.complete or isinstance(store.lookup(root), Found)):
            return _NOBODY_KNOWS
        if not isinstance(store.lookup(root), Found):
            self._notes[
                f"{root} is no active code of {store.system} {store.version}: what is {op} of it is what the edition says"
            ] = None
        below = frozenset(self._codes_of(op, root, store))
        if store.complete:
            return _without(below) if op == "is-not-a" else _listed(below)
        # Of an incomplete edition it is not known what else is below; what is in it is known.
        inside, outside = (NO, YES) if op == "is-not-a" else (YES, NO)
        known = frozenset(code for code, *_ in store.terms())

        def decide(code: str) -> Membership:
            return inside if code in below else outside if code in known else NOT_CHECKED

        return _open(decide)

    def _codes_of(self, op: str, root: str, store: CodeSystemStore) -> Iterable[str]:
        match op:
            case "generalizes":
                return store.ancestors(root)
            case "descendent-of":
                return store.descendants(root) - {root}
            case "descendent-leaf":
                return _leaves(root, store)
        return store.descendants(root)

    def _regex(self, one: Filter, store: CodeSystemStore | None) -> _Compiled:
        try:
            pattern = compile_pattern(one.value)
        except ValueError as error:
            raise SpecificationError(
                f"regex: {error}", file=self._definition.url, fix="write a pattern of RE2"
            ) from None
        if one.property == "display":
            return self._labelled(lambda label: fits(pattern, label), store)
        systems = self._systems
        return _open(lambda code: YES if fits(pattern, fhir_code(systems, code)) else NO)

    def _labelled(self, holds: Callable[[str], bool], store: CodeSystemStore | None) -> _Compiled:
        labels = {code: label for code, label, _ in store.terms()} if store is not None else {}
        without = NO if store is not None and store.complete else NOT_CHECKED

        def decide(code: str) -> Membership:
            label = labels.get(code)
            return without if not label else YES if holds(label) else NO

        return _open(decide)


def _listed(codes: frozenset[str]) -> _Compiled:
    return _Compiled(lambda code: YES if code in codes else NO, codes, codes, closed=True)


def _without(codes: frozenset[str]) -> _Compiled:
    return _open(lambda code: NO if code in codes else YES)


def _open(decide: _Decide) -> _Compiled:
    """A condition whose codes nobody lists."""
    return _Compiled(decide, frozenset(), frozenset(), closed=False)


def _leaves(root: str, store: CodeSystemStore) -> Iterator[str]:
    """The codes below *root* below which there is nothing."""
    below = store.descendants(root)
    above = {up for code in below for up in store.ancestors(code) if up != code}
    return (code for code in below - above if code != root)


def _of_no_edition(code: str) -> Answer:
    return NotChecked(code, system_of(code), "its edition is not installed")


# --- three answers ------------------------------------------------------------------------------------------------------


def any_of(answers: Iterable[Membership]) -> Membership:
    """Yes where one is yes, no where all are no, else nobody can tell.

    >>> any_of([NO, NOT_CHECKED]), any_of([NOT_CHECKED, YES]), any_of([])
    (<Membership.NOT_CHECKED: 'not-checked'>, <Membership.YES: 'yes'>, <Membership.NO: 'no'>)
    """
    found: Sequence[Membership] = list(answers)
    return YES if YES in found else NOT_CHECKED if NOT_CHECKED in found else NO


def all_of(answers: Iterable[Membership]) -> Membership:
    """No where one is no, yes where all are yes, else nobody can tell.

    >>> all_of([YES, NOT_CHECKED]), all_of([NOT_CHECKED, NO])
    (<Membership.NOT_CHECKED: 'not-checked'>, <Membership.NO: 'no'>)
    """
    found: Sequence[Membership] = list(answers)
    return NO if NO in found else NOT_CHECKED if NOT_CHECKED in found else YES


def opposite(answer: Membership) -> Membership:
    """No for yes and yes for no."""
    return NO if answer is YES else YES if answer is NO else NOT_CHECKED
