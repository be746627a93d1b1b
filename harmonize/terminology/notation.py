"""Notation of code systems: `mappings/systems/<ID>.yaml`, data that one generic parser reads.

The system of a code is never guessed from its shape: it is stated by the profile (`parse`) or by an IRI (`parse_iri`).
Where a system writes several kinds of codes alike without their dots, an axis of it is stated: `ICD9CM/diagnosis`.
What a spelling lost is not put back: the code is refused with a reason. All patterns run on RE2.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.errors import SpecificationError, UnknownNameError
from harmonize.shipped import mappings_folder
from harmonize.terminology.check_digits import CHECKS
from harmonize.terminology.editions import RULES
from harmonize.terminology.patterns import compile_any, compile_pattern
from harmonize.terminology.strict_yaml import load_strict_yaml

_KEYS = frozenset(
    (
        "id",
        "title",
        "pattern",
        "spellings",
        "refused",
        "axes",
        "modifiers",
        "pairs",
        "check",
        "editions",
        "iri",
        "normalise",
        "fhir",
        "oid",
        "omop",
        "rf2_maps",
        "phenopackets",
        "licence",
        "source",
        "comments",
    )
)
_NORMALISERS = {"upper": str.upper, "lower": str.lower}
_TEMPLATE = re.compile(r"(?:[^{}]|\{[1-9]\})*")
_LENGTH = 500
"""Characters of the longest code."""
_SHOWN = 120
"""Characters of a pattern that a refusal shows."""
_PAIR_LENGTH = 40
"""Characters of the longest cell that may hold a pair of codes."""


class Code(NamedTuple):
    """A code of a code system.

    >>> str(Code("HP", "0001250"))
    'HP:0001250'
    """

    system: str
    local: str
    modifiers: tuple[str, ...] = ()
    """Names of the signs that stand behind the code, such as `dagger`; they are no part of it."""
    edition: str | None = None
    """The edition of the system, where the spelling states it."""

    def __str__(self) -> str:
        return f"{self.system}:{self.local}"


class NotACode(NamedTuple):
    """Why a text is no code of the system: what is wrong, the system, and how it writes codes."""

    reason: str


@dataclass(frozen=True, slots=True)
class FhirNotation:
    """How FHIR writes the system: its URI, other URIs that are accepted, and whether codes are written as CURIEs."""

    uri: str
    accepted: tuple[str, ...]
    as_curie: bool


@dataclass(frozen=True, slots=True)
class PhenopacketsResource:
    """How Phenopackets' metaData.resources names the system."""

    id: str
    name: str
    url: str
    iri_prefix: str


class Spelling(NamedTuple):
    """A way to write a code: the pattern, the code as its groups make it, and the edition where a group states it."""

    pattern: str
    code: str = "{1}"
    edition: str | None = None


class Refused(NamedTuple):
    """A way to write what is no code (any more), and why."""

    pattern: str
    reason: str


@dataclass(frozen=True, slots=True)
class Axis:
    """One kind of codes of a system, in the spellings of the system and in those that only this kind has."""

    pattern: str
    spellings: tuple[Spelling, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """The notation of one code system."""

    id: str
    title: str
    pattern: str
    spellings: tuple[Spelling, ...]
    iri: tuple[Spelling, ...]
    normalise: tuple[str, ...]
    fhir: FhirNotation | None
    phenopackets: PhenopacketsResource
    oid: str | None
    licence: str
    source: str
    omop: tuple[str, ...] = ()
    """How OMOP's CONCEPT table names the system (`vocabulary_id`)."""
    rf2_maps: tuple[str, ...] = ()
    """Extended map reference sets of SNOMED CT whose targets are codes of the system."""
    refused: tuple[Refused, ...] = ()
    axes: Mapping[str, Axis] = field(default_factory=dict)
    modifiers: Mapping[str, str] = field(default_factory=dict)
    """Sign that may stand behind a code -> its name."""
    pairs: Mapping[str, str] = field(default_factory=dict)
    """Modifier of the first of two codes in one cell -> that of the second, where no sign of its own states it."""
    check: str | None = None
    """How the check digit that the codes end in is made: a name of `check_digits.CHECKS`."""
    editions: str | None = None
    """How the edition of a code is found: a name of `editions.RULES`; None where codes outlive editions."""

    def fhir_code(self, curie: str) -> str:
        """The code as FHIR writes it.

        >>> load_systems()["ORPHA"].fhir_code("ORPHA:558"), load_systems()["HP"].fhir_code("HP:0001250")
        ('558', 'HP:0001250')
        """
        return curie if self.fhir is not None and self.fhir.as_curie else curie.partition(":")[2]


class _Reading(NamedTuple):
    """A spelling, compiled."""

    pattern: Any
    code: str
    edition: str | None


class _Notation:
    """The notation of a system, or of one axis of it, compiled."""

    def __init__(self, system: CodeSystem, axis: Axis | None = None) -> None:
        pattern = axis.pattern if axis else system.pattern
        curie, plain = Spelling(f"{system.id}:({pattern})"), Spelling(f"({pattern})")
        own = axis.spellings if axis else ()
        self.system = system
        self.local = compile_pattern(pattern)
        self.plain = _compiled(system, plain)
        self.iris = _compiled(system, curie, *system.iri)
        self.spellings = _compiled(system, curie, plain, *own, *system.spellings, *system.iri)
        refused = (*(axis.refused if axis else ()), *system.refused)
        name = next((f"{system.id}/{name}" for name, one in system.axes.items() if one is axis), system.id)
        self._expected = f"{name} writes codes as {pattern if len(pattern) <= _SHOWN else f'{pattern[:_SHOWN]}...'}"
        self.refused = tuple((compile_pattern(f"(?i:{r.pattern})"), r.reason) for r in refused)

    def refusal(self, wrong: str) -> NotACode:
        """What is wrong, with the system and what it expects."""
        return NotACode(f"{wrong}; {self._expected}")

    def read(self, text: str, readings: Sequence[_Reading], *, signs: bool = True) -> Code | NotACode:
        """*text* as one code with its modifiers. A capital that is a sign is one wherever a code is left without it."""
        modifiers: list[str] = []
        if signs and text[-1:].isupper() and text[-1] in self.system.modifiers:
            without = self._bare(text[:-1].rstrip(), readings)
            if isinstance(without, Code):
                return without._replace(modifiers=(self.system.modifiers[text[-1]],))
        answer = self._bare(text, readings)
        while answer is None and signs and text[-1:] in self.system.modifiers:
            modifiers.insert(0, self.system.modifiers[text[-1]])
            text = text[:-1].rstrip()
            answer = self._bare(text, readings)
        if answer is None:
            return self.refusal("it is written otherwise")
        if isinstance(answer, Code) and modifiers:
            if len(set(modifiers)) < len(modifiers):
                return self.refusal("a sign behind the code stands twice")
            return answer._replace(modifiers=tuple(modifiers))
        return answer

    def _bare(self, text: str, readings: Sequence[_Reading]) -> Code | NotACode | None:
        wrong = None
        for reading in readings:
            match = reading.pattern.fullmatch(text)
            if match is None:
                continue
            groups = (text, *(group or "" for group in match.groups()))
            local = reading.code.format(*groups)
            for name in self.system.normalise:
                local = _NORMALISERS[name](local)
            if not self.local.fullmatch(local):
                continue
            if self.system.check and not CHECKS[self.system.check](local):
                wrong = self.refusal(f"the check digit is wrong ({self.system.check})")
                continue
            return Code(self.system.id, local, (), reading.edition.format(*groups) if reading.edition else None)
        return wrong

    def pair(self, text: str) -> tuple[Code, Code] | None:
        """The two codes of a cell that are joined by the sign of the first."""
        pairs = self.system.pairs
        if not pairs or len(text) > _PAIR_LENGTH:
            return None
        for place, character in enumerate(text[:-1], start=1):
            if self.system.modifiers.get(character) not in pairs:
                continue
            first, second = (self.read(part.strip(), self.spellings) for part in (text[:place], text[place:]))
            if isinstance(first, Code) and isinstance(second, Code) and first.modifiers:
                implied = second.modifiers or (pairs[first.modifiers[-1]],)
                return first, second._replace(modifiers=implied)
        return None

    def why_not(self, text: str) -> str | None:
        """What *text* is instead of a code, where the notation says that."""
        return next((reason for pattern, reason in self.refused if pattern.fullmatch(text)), None)


class Systems(Mapping[str, CodeSystem]):
    """All code systems by CURIE prefix."""

    def __init__(self, systems: Sequence[CodeSystem]) -> None:
        self._systems = {system.id: system for system in systems}
        self._notations = {s.id: _Notation(s) for s in systems}
        for system in systems:
            self._notations.update(
                {f"{system.id}/{name}": _Notation(system, axis) for name, axis in system.axes.items()}
            )
        self._omop = {name: system.id for system in systems for name in system.omop}

    def __getitem__(self, name: str) -> CodeSystem:
        return self._systems[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._systems)

    def __len__(self) -> int:
        return len(self._systems)

    def __reduce__(self) -> tuple[Any, ...]:
        return (load_systems, ())

    @cached_property
    def by_fhir_uri(self) -> Mapping[str, str]:
        """URI of FHIR -> CURIE prefix, with every other URI that is accepted for the system.

        >>> load_systems().by_fhir_uri["http://loinc.org"]
        'LOINC'
        """
        uris = ((system, system.fhir) for system in self._systems.values() if system.fhir is not None)
        return {uri: system.id for system, fhir in uris for uri in (fhir.uri, *fhir.accepted)}

    @property
    def notations(self) -> Collection[str]:
        """What `parse` takes: every system, and every axis of one as `SYSTEM/axis`."""
        return self._notations.keys()

    def parse(self, text: str, system: str) -> Code | NotACode:
        """*text* as a code of *system* (or of an axis, `SYSTEM/axis`), in any of its spellings.

        >>> str(load_systems().parse("Orphanet_558", "ORPHA"))
        'ORPHA:558'
        >>> load_systems().parse("E1140+", "ICD10GM").modifiers
        ('dagger',)
        """
        notation = self._notation(system)
        clean = _clean(text)
        if isinstance(clean, NotACode):
            return notation.refusal(clean.reason)
        answer = notation.read(clean, notation.spellings)
        if isinstance(answer, Code):
            return answer
        if notation.pair(clean):
            return notation.refusal("the cell holds a pair of codes and not one")
        reason = notation.why_not(clean)
        return answer if reason is None else notation.refusal(reason)

    def parse_cell(self, text: str, system: str) -> tuple[Code, ...] | NotACode:
        """The codes of a cell: one, or two that the sign of the first joins, as a dagger does.

        >>> [(str(code), *code.modifiers) for code in load_systems().parse_cell("M07.3*L40.5", "ICD10FI")]
        [('ICD10FI:M07.3', 'asterisk'), ('ICD10FI:L40.5', 'dagger')]
        """
        answer = self.parse(text, system)
        if isinstance(answer, Code):
            return (answer,)
        clean = _clean(text)
        pair = None if isinstance(clean, NotACode) else self._notation(system).pair(clean)
        return pair or answer

    def parse_local(self, text: str, system: str) -> Code | NotACode:
        """*text*, the part of a code without its system, as a code of *system*; no spellings are tried.

        >>> str(load_systems().parse_local("8480-6", "LOINC"))
        'LOINC:8480-6'
        """
        notation = self._notation(system)
        clean = _clean(text)
        if isinstance(clean, NotACode):
            return notation.refusal(clean.reason)
        return notation.read(clean, notation.plain, signs=False)

    def of_omop(self, vocabulary: str) -> str | None:
        """The system that OMOP calls *vocabulary* (`vocabulary_id` of CONCEPT), or None.

        >>> load_systems().of_omop("SNOMED"), load_systems().of_omop("Visit")
        ('SNOMEDCT', None)
        """
        return self._omop.get(vocabulary)

    def parse_iri(self, text: str, allowed: Sequence[str]) -> Code | NotACode:
        """*text*, an IRI or CURIE, as a code of one of the *allowed* systems.

        >>> str(load_systems().parse_iri("http://purl.obolibrary.org/obo/HP_0001250", ("ORPHA", "HP")))
        'HP:0001250'
        """
        clean = _clean(text)
        if not isinstance(clean, NotACode):
            for system in allowed:
                notation = self._notation(system)
                code = notation.read(clean, notation.iris)
                if isinstance(code, Code):
                    return code
        return NotACode(f"it is no IRI or CURIE of {' or '.join(allowed[:6])}")

    def of_any_iri(self, text: str) -> Code | NotACode:
        """*text*, an IRI or CURIE, as a code of whatever system it is of. What is of none is told at once."""
        clean = _clean(text)
        if isinstance(clean, NotACode) or not self._any_iri.fullmatch(clean):
            return NotACode("it is no IRI or CURIE of a system that is known")
        return self.parse_iri(clean, tuple(self._systems))

    @cached_property
    def _any_iri(self) -> Any:
        signs = {sign for system in self._systems.values() for sign in system.modifiers}
        patterns = (
            f"(?i:{reading.pattern.pattern})" if system.normalise else reading.pattern.pattern
            for name, system in self._systems.items()
            for reading in self._notations[name].iris
        )
        return compile_any(patterns, "".join(sorted(signs | {" "})))

    def knows_any(self, texts: Iterable[str]) -> bool:
        """Whether any of *texts* may be an IRI or CURIE of a system that is known, found in one pass over all of them."""
        return self._any_iri.search("\n".join(texts)) is not None

    def _notation(self, name: str) -> _Notation:
        notation = self._notations.get(name)
        if notation is None:
            raise UnknownNameError("code system", name, self._notations)
        return notation


def _clean(text: str) -> str | NotACode:
    """*text* without blanks around it, where RE2 can match it."""
    clean = text.strip()
    if not clean:
        return NotACode("it is empty")
    if len(clean) > _LENGTH:
        return NotACode(f"it has more than {_LENGTH} characters")
    if not clean.isascii() and any("\ud800" <= character <= "\udfff" for character in clean):
        return NotACode("it holds half a character")  # of UTF-16; RE2 matches UTF-8
    return clean


def _compiled(system: CodeSystem, *spellings: Spelling) -> tuple[_Reading, ...]:
    """The spellings; a system whose codes are normalised in case is read in any."""
    exact = not system.normalise
    return tuple(_Reading(compile_pattern(s.pattern, case_sensitive=exact), s.code, s.edition) for s in spellings)


def _check_patterns(system: CodeSystem, file: str) -> None:
    """Refuse patterns that RE2 does not run, and spellings that do not say which part is the code."""
    axes = system.axes.values()
    spellings = (*system.spellings, *system.iri, *(s for axis in axes for s in axis.spellings))
    refused = (*system.refused, *(r for axis in axes for r in axis.refused))
    for pattern in (system.pattern, *(axis.pattern for axis in axes), *(r.pattern for r in refused)):
        _groups_of(pattern, file)
    for spelling in spellings:
        groups = _groups_of(spelling.pattern, file)
        template = spelling.code + (spelling.edition or "")
        used = {int(digit) for digit in re.findall(r"\{([1-9])\}", template)}
        if used != set(range(1, groups + 1)) or not used:
            raise SpecificationError(
                f"the pattern {spelling.pattern[:60]!r} has {groups} groups, of which {template!r} takes {len(used)}",
                file=file,
                fix="put the code into one group (...), or say with `code` how the groups make it",
            )
        if not _TEMPLATE.fullmatch(template):
            raise SpecificationError(f"{template[:60]!r} is refused", file=file, fix="name groups as {1}")


def _groups_of(pattern: str, file: str) -> int:
    try:
        return int(compile_pattern(pattern).groups)
    except ValueError as error:
        raise SpecificationError(f"the pattern {pattern[:60]!r} is refused: {error}", file=file) from None


@cache
def load_systems() -> Systems:
    """The notations in mappings/systems."""
    folder = mappings_folder() / "systems"
    return Systems([_load(path) for path in sorted(folder.glob("*.yaml"))])


def _load(path: Path) -> CodeSystem:
    body, lines = load_strict_yaml(path, name=f"systems/{path.name}")
    unknown = set(body) - _KEYS
    if unknown:
        key = min(unknown)
        raise SpecificationError(f"{key!r} is not known", file=path.name, line=lines.get(f"/{key}"))
    try:
        fhir, resource, axes = body.get("fhir"), body["phenopackets"], body.get("axes", {})
        system = CodeSystem(
            id=body["id"],
            title=body["title"],
            pattern=body["pattern"],
            spellings=_spellings(body, "spellings"),
            iri=_spellings(body, "iri"),
            normalise=tuple(body.get("normalise", ())),
            fhir=FhirNotation(fhir["uri"], tuple(fhir.get("accepted", ())), fhir["code"] == "curie") if fhir else None,
            phenopackets=PhenopacketsResource(**resource),
            oid=body.get("oid"),
            licence=body["licence"],
            source=body["source"],
            omop=tuple(body.get("omop", ())),
            rf2_maps=tuple(body.get("rf2_maps", ())),
            refused=_refused(body),
            axes={name: Axis(axis["pattern"], _spellings(axis), _refused(axis)) for name, axis in axes.items()},
            modifiers=dict(body.get("modifiers", {})),
            pairs=dict(body.get("pairs", {})),
            check=body.get("check"),
            editions=body.get("editions"),
        )
    except (KeyError, TypeError) as error:
        raise SpecificationError(f"{error} is missing or not known", file=str(path)) from None
    _check_patterns(system, str(path))
    if set(system.normalise) - set(_NORMALISERS):
        raise SpecificationError("an unknown normaliser", file=str(path), fix=f"use {', '.join(_NORMALISERS)}")
    if system.check is not None and system.check not in CHECKS:
        raise SpecificationError("an unknown check digit", file=str(path), fix=f"use {', '.join(CHECKS)}")
    if system.editions not in (None, *RULES):
        raise SpecificationError("an unknown rule of editions", file=str(path), fix=f"use {', '.join(RULES)}")
    if {*system.pairs, *system.pairs.values()} - set(system.modifiers.values()):
        raise SpecificationError("pairs of no modifiers", file=str(path), fix="name signs of `modifiers`")
    return system


def _spellings(body: Mapping[str, Any], key: str = "spellings") -> tuple[Spelling, ...]:
    """Spellings as they stand: a pattern whose one group is the code, or a pattern with what its groups make."""
    entries = body.get(key, ())
    return tuple(Spelling(entry) if isinstance(entry, str) else Spelling(**entry) for entry in entries)


def _refused(body: Mapping[str, Any]) -> tuple[Refused, ...]:
    return tuple(Refused(**entry) for entry in body.get("refused", ()))
