"""What a value set is made of, after FHIR ValueSet.compose, and the reader of ValueSet resources (JSON, R4 and R5).

Source: https://hl7.org/fhir/R4/valueset.html and https://hl7.org/fhir/R5/valueset.html. Within an include everything must hold (system,
codes, filters, and of the imported value sets each); several includes are alternatives; what an exclude takes is out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from harmonize.errors import SpecificationError
from harmonize.terminology.notation import Code, Systems, load_systems

MAX_BYTES = 64_000_000
MAX_DEPTH = 50
"""Levels of an expansion."""
OPERATORS = {
    "is-a": ("concept", "code"),
    "descendent-of": ("concept", "code"),
    "is-not-a": ("concept", "code"),
    "generalizes": ("concept", "code"),
    "descendent-leaf": ("concept", "code"),
    "in": ("concept", "code"),
    "not-in": ("concept", "code"),
    "=": ("concept", "code", "display"),
    "regex": ("concept", "code", "display"),
}
"""Operator of a filter -> the properties that it is understood of. Others are refused by name: child-of, exists, = of a property."""
_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"


class Filter(NamedTuple):
    """A condition on the codes of a system. `value` is as FHIR writes it: a code, a list of codes, a pattern over the whole."""

    property: str
    op: str
    value: str


class Part(NamedTuple):
    """An include or exclude. `system` is our prefix, or the URI of a system that nobody here knows; empty where only sets are named.

    `codes` None means all codes of the system that the filters let through.
    """

    system: str
    version: str
    codes: frozenset[str] | None
    filters: tuple[Filter, ...]
    value_sets: tuple[str, ...]


class Expansion(NamedTuple):
    """The codes of a value set as somebody listed them; `whole` unless it says that it is only a part."""

    codes: frozenset[str]
    whole: bool


@dataclass(frozen=True, slots=True)
class Definition:
    """A value set before it is compiled. Codes are CURIEs, of unknown systems `URI|code`."""

    url: str
    version: str
    title: str
    include: tuple[Part, ...]
    exclude: tuple[Part, ...] = ()
    inactive: bool = False
    """Whether filters and whole systems take obsolete codes too; codes that are listed are taken in any case."""
    expansion: Expansion | None = None

    @property
    def digest(self) -> str:
        """What tells the definition from others, whatever its url says."""
        return hashlib.sha256(repr(_sorted(self)).encode()).hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, Definition):
        return [_sorted(getattr(value, name)) for name in Definition.__slots__]
    if isinstance(value, frozenset):
        return sorted(value)
    return [_sorted(item) for item in value] if isinstance(value, tuple) else value


def system_of(code: str) -> str:
    """The system of a CURIE or of `URI|code`.

    >>> system_of("HP:0001250"), system_of("http://example.org/x|a:b")
    ('HP', 'http://example.org/x')
    """
    uri, bar, _ = code.partition("|")
    return uri if bar and ("://" in uri or uri.startswith("urn:")) else code.partition(":")[0]


def read_value_set(path: Path) -> Definition:
    """The ValueSet resource in the file *path*. Raises SpecificationError with the place."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SpecificationError(f"larger than {MAX_BYTES} bytes", file=path.name)
        resource = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SpecificationError(f"cannot be read ({error.strerror})", file=path.name, fix="give a file") from None
    except orjson.JSONDecodeError:
        raise SpecificationError("no JSON", file=path.name, fix="give a ValueSet as FHIR JSON") from None
    return value_set_of(resource, file=path.name)


def value_set_of(resource: Any, *, file: str = "") -> Definition:
    """A ValueSet resource. Raises SpecificationError, naming the element, for what it is not or is not understood."""
    reader = _Reader(load_systems(), file)
    if not isinstance(resource, dict) or resource.get("resourceType") != "ValueSet":
        raise reader.error("no ValueSet resource", "", "take the ValueSet out of its Bundle or package")
    compose = reader.object(resource.get("compose"), "compose") or {}
    expansion = reader.object(resource.get("expansion"), "expansion")
    if not compose and expansion is None:
        raise reader.error(
            "neither compose nor expansion: it holds nothing", "", "take the ValueSet that defines its codes"
        )
    return Definition(
        url=str(resource.get("url", "")),
        version=str(resource.get("version", "")),
        title=str(resource.get("title") or resource.get("name") or ""),
        include=tuple(reader.parts(compose, "include")),
        exclude=tuple(reader.parts(compose, "exclude")),
        inactive=compose.get("inactive") is True,
        expansion=None if expansion is None else reader.expansion(expansion),
    )


class _Reader:
    """Reads one resource; knows the file for messages."""

    def __init__(self, systems: Systems, file: str) -> None:
        self._systems, self._file = systems, file

    def error(self, what: str, place: str, fix: str = "correct the resource") -> SpecificationError:
        return SpecificationError(f"{place}: {what}" if place else what, file=self._file, fix=fix)

    def object(self, value: Any, place: str) -> dict[str, Any] | None:
        if value is not None and not isinstance(value, dict):
            raise self.error("an object is expected", place)
        return value

    def _objects(self, holder: Mapping[str, Any], name: str, place: str) -> list[tuple[dict[str, Any], str]]:
        several = holder.get(name) or []
        if not isinstance(several, list) or not all(isinstance(one, dict) for one in several):
            raise self.error("a list of objects is expected", f"{place}.{name}")
        return [(one, f"{place}.{name}[{number}]") for number, one in enumerate(several)]

    def _text(self, holder: Mapping[str, Any], name: str, place: str) -> str:
        value = holder.get(name)
        if not isinstance(value, str) or not value:
            raise self.error(f"{name} is missing", place)
        return value

    def parts(self, compose: Mapping[str, Any], which: str) -> Iterator[Part]:
        """The includes, or the excludes."""
        for body, place in self._objects(compose, which, "compose"):
            stated = body.get("concept"), body.get("filter")
            if not body.get("system") and (any(stated) or not body.get("valueSet")):
                raise self.error("neither a system nor value sets alone", place)
            if [] in stated:
                raise self.error(
                    "concept or filter is an empty list, which JSON of FHIR has not; without it all codes are meant",
                    place,
                )
            if all(stated):
                raise self.error("concept and filter exclude one another (vsd-3)", place)
            system = self._prefix(str(body.get("system", "")))
            codes = [self._code(system, one, at) for one, at in self._objects(body, "concept", place)]
            filters = [self._filter(one, at) for one, at in self._objects(body, "filter", place)]
            imported = body.get("valueSet") or []
            if not isinstance(imported, list) or not all(isinstance(url, str) for url in imported):
                raise self.error("a list of canonical URLs is expected", f"{place}.valueSet")
            listed = frozenset(codes) if codes else None
            yield Part(system, str(body.get("version", "")), listed, tuple(filters), tuple(imported))

    def _prefix(self, uri: str) -> str:
        return self._systems.by_fhir_uri.get(uri, uri)

    def _code(self, system: str, holder: Mapping[str, Any], place: str) -> str:
        return curie_of(self._systems, system, self._text(holder, "code", place))

    def _filter(self, body: Mapping[str, Any], place: str) -> Filter:
        op, name = self._text(body, "op", place), self._text(body, "property", place)
        if name not in OPERATORS.get(op, ()):
            known = "; ".join(f"{known} of {', '.join(names)}" for known, names in OPERATORS.items())
            raise self.error(f"the filter {op} of {name} is not understood", place, f"list the codes, or use {known}")
        return Filter(name, op, self._text(body, "value", place))

    def expansion(self, body: Mapping[str, Any]) -> Expansion:
        """The codes of an expansion, at any level; abstract ones only group others."""
        codes: set[str] = set()
        waiting = [(one, at, 1) for one, at in self._objects(body, "contains", "expansion")]
        listed = 0
        while waiting:
            one, place, depth = waiting.pop()
            if depth > MAX_DEPTH:
                raise self.error(f"more than {MAX_DEPTH} levels", place)
            listed += 1
            if "code" in one and one.get("abstract") is not True:
                codes.add(self._code(self._prefix(str(one.get("system", ""))), one, place))
            waiting += [(inner, at, depth + 1) for inner, at in self._objects(one, "contains", place)]
        extensions = body.get("extension") or []
        unclosed = any(e.get("url") == _UNCLOSED and e.get("valueBoolean") is True for e in extensions)
        total = body.get("total")
        paged = (isinstance(total, int) and total > listed) or bool(body.get("offset"))
        return Expansion(frozenset(codes), whole=not (unclosed or paged))


def curie_of(systems: Systems, system: str, code: str) -> str:
    """A code of FHIR as CURIE; in a system that we do not know, `URI|code`. What our notation does not know stays as it is written.

    >>> curie_of(load_systems(), "HP", "HP:0001250"), curie_of(load_systems(), "http://example.org/x", "a")
    ('HP:0001250', 'http://example.org/x|a')
    """
    if system not in systems:
        return f"{system}|{code}"
    parsed = systems.parse(code, system)
    return str(parsed) if isinstance(parsed, Code) else f"{system}:{code.removeprefix(f'{system}:')}"


def fhir_code(systems: Systems, curie: str) -> str:
    """A code as FHIR writes it: what `property: code` is about.

    >>> fhir_code(load_systems(), "HP:0001250"), fhir_code(load_systems(), "ICD10:C50.9")
    ('HP:0001250', 'C50.9')
    """
    system = system_of(curie)
    if system not in systems:
        return curie.partition("|")[2]
    known = systems[system].fhir
    return curie if known is not None and known.as_curie else curie.partition(":")[2]


def enumerated(url: str, codes: Iterable[str], title: str = "") -> Definition:
    """A value set of these CURIEs."""
    by_system: dict[str, set[str]] = {}
    for code in codes:
        by_system.setdefault(system_of(code), set()).add(code)
    parts = tuple(Part(system, "", frozenset(found), (), ()) for system, found in sorted(by_system.items()))
    return Definition(url, "", title, parts)
