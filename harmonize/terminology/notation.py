"""Notation of code systems: `mappings/systems/<ID>.yaml`, data that one generic parser reads.

The system of a code is never guessed from its shape: it is stated by the profile (`parse`) or by an IRI (`parse_iri`).
All patterns run on RE2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.errors import SpecificationError, UnknownNameError
from harmonize.shipped import mappings_folder
from harmonize.terminology.patterns import compile_pattern
from harmonize.terminology.strict_yaml import load_strict_yaml

_KEYS = frozenset(
    (
        "id",
        "title",
        "pattern",
        "spellings",
        "iri",
        "normalise",
        "fhir",
        "oid",
        "omop",
        "phenopackets",
        "licence",
        "source",
        "comments",
    )
)
_NORMALISERS = {"upper": str.upper}


class Code(NamedTuple):
    """A code of a code system.

    >>> str(Code("HP", "0001250"))
    'HP:0001250'
    """

    system: str
    local: str

    def __str__(self) -> str:
        return f"{self.system}:{self.local}"


class NotACode(NamedTuple):
    """Why a text is no code of the system."""

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


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """The notation of one code system."""

    id: str
    title: str
    pattern: str
    spellings: tuple[str, ...]
    iri: tuple[str, ...]
    normalise: tuple[str, ...]
    fhir: FhirNotation | None
    phenopackets: PhenopacketsResource
    oid: str | None
    licence: str
    source: str
    omop: tuple[str, ...] = ()
    """How OMOP's CONCEPT table names the system (`vocabulary_id`)."""

    def fhir_code(self, curie: str) -> str:
        """The code as FHIR writes it.

        >>> load_systems()["ORPHA"].fhir_code("ORPHA:558"), load_systems()["HP"].fhir_code("HP:0001250")
        ('558', 'HP:0001250')
        """
        return curie if self.fhir is not None and self.fhir.as_curie else curie.partition(":")[2]


class Systems(Mapping[str, CodeSystem]):
    """All code systems by CURIE prefix."""

    def __init__(self, systems: Sequence[CodeSystem]) -> None:
        self._systems = {system.id: system for system in systems}
        self._local = {s.id: compile_pattern(s.pattern) for s in systems}
        self._spellings = {
            s.id: _compiled(s, f"{s.id}:({s.pattern})", f"({s.pattern})", *s.spellings, *s.iri) for s in systems
        }
        self._iris = {s.id: _compiled(s, f"{s.id}:({s.pattern})", *s.iri) for s in systems}
        self._plain = {s.id: _compiled(s, f"({s.pattern})")[0] for s in systems}
        self._omop = {name: system.id for system in systems for name in system.omop}

    def __getitem__(self, name: str) -> CodeSystem:
        return self._systems[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._systems)

    def __len__(self) -> int:
        return len(self._systems)

    def __reduce__(self) -> tuple[Any, ...]:
        return (load_systems, ())

    def parse(self, text: str, system: str) -> Code | NotACode:
        """*text* as a code of *system*, in any of its spellings.

        >>> str(load_systems().parse("Orphanet_558", "ORPHA"))
        'ORPHA:558'
        """
        if system not in self._systems:
            raise UnknownNameError("code system", system, self._systems)
        return self._match(text, system, self._spellings[system])

    def parse_local(self, text: str, system: str) -> Code | NotACode:
        """*text*, the part of a code without its system, as a code of *system*; no spellings are tried.

        >>> str(load_systems().parse_local("8480-6", "LOINC"))
        'LOINC:8480-6'
        """
        return self._match(text, system, (self._plain[system],))

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
        for system in allowed:
            code = self._match(text, system, self._iris[system])
            if isinstance(code, Code):
                return code
        return NotACode(f"it is no IRI or CURIE of {' or '.join(allowed[:6])}")

    def _match(self, text: str, system: str, patterns: Sequence[Any]) -> Code | NotACode:
        clean = text.strip()
        if len(clean) > 500:
            return NotACode("it is too long")
        if not clean.isascii() and any("\ud800" <= character <= "\udfff" for character in clean):
            return NotACode("it holds half a character")  # of UTF-16; RE2 matches UTF-8
        for pattern in patterns:
            match = pattern.fullmatch(clean)
            if match is not None:
                local = match.group(1)
                for name in self._systems[system].normalise:
                    local = _NORMALISERS[name](local)
                if self._local[system].fullmatch(local):
                    return Code(system, local)
        return NotACode(f"{system} writes codes otherwise")


def _compiled(system: CodeSystem, *patterns: str) -> tuple[Any, ...]:
    """The patterns; a system that is normalised to capitals takes small letters as well."""
    return tuple(compile_pattern(pattern, case_sensitive="upper" not in system.normalise) for pattern in patterns)


def _check_patterns(system: CodeSystem, file: str) -> None:
    """Refuse patterns that RE2 does not run, and spellings that do not say which part is the code."""
    for pattern in (system.pattern, *system.spellings, *system.iri):
        try:
            groups = compile_pattern(pattern).groups
        except ValueError as error:
            raise SpecificationError(f"the pattern {pattern[:60]!r} is refused: {error}", file=file) from None
        if groups != 1 and pattern != system.pattern:
            raise SpecificationError(
                f"the pattern {pattern[:60]!r} has {groups} groups", file=file, fix="put the code into one group (...)"
            )


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
        fhir, resource = body.get("fhir"), body["phenopackets"]
        system = CodeSystem(
            id=body["id"],
            title=body["title"],
            pattern=body["pattern"],
            spellings=tuple(body.get("spellings", ())),
            iri=tuple(body.get("iri", ())),
            normalise=tuple(body.get("normalise", ())),
            fhir=FhirNotation(fhir["uri"], tuple(fhir.get("accepted", ())), fhir["code"] == "curie") if fhir else None,
            phenopackets=PhenopacketsResource(**resource),
            oid=body.get("oid"),
            licence=body["licence"],
            source=body["source"],
            omop=tuple(body.get("omop", ())),
        )
    except (KeyError, TypeError) as error:
        raise SpecificationError(f"{error} is missing or not known", file=str(path)) from None
    _check_patterns(system, str(path))
    if set(system.normalise) - set(_NORMALISERS):
        raise SpecificationError("an unknown normaliser", file=str(path), fix=f"use {', '.join(_NORMALISERS)}")
    return system
