"""What SSSOM and FHIR ConceptMap call the same thing: predicates, code systems, extensions. Both directions read these tables.

Predicates: `docs/how-to/mend-a-code-map.md` publishes the table. FHIR R4 `equivalence` and R5 `relationship`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

from harmonize.errors import SpecificationError
from harmonize.shipped import mappings_folder
from harmonize.terminology.notation import load_systems
from harmonize.terminology.predicates import BROAD, CLOSE, EXACT, NARROW, RELATED, XREF
from harmonize.terminology.strict_yaml import load_strict_yaml

EXTENSION = "https://w3id.org/harmonize/fhir/StructureDefinition/sssom-"
"""One extension for each column that an element of FHIR does not say; and `metadata`, `columns`, `position`, `row` of ours."""
_STANDARD = {
    "oboInOwl": "http://www.geneontology.org/formats/oboInOwl#",
    "semapv": "https://w3id.org/semapv/vocab/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "sssom": "https://w3id.org/sssom/",
}
UNSPECIFIED = "semapv:UnspecifiedMatching"
NO_COMMENT = "The mapping set gives no comment."
"""FHIR demands a comment where the target is narrower or not related (cmd-1)."""


def extension_url(column: str) -> str:
    """The extension of a column.

    >>> extension_url("mapping_source")
    'https://w3id.org/harmonize/fhir/StructureDefinition/sssom-mapping-source'
    """
    return EXTENSION + quote(column, safe="").replace("-", "%2D").replace("_", "-")


def column_of(url: str) -> str:
    """The column of an extension.

    >>> column_of(extension_url("ext_path-of it"))
    'ext_path-of it'
    """
    return unquote(url.removeprefix(EXTENSION).replace("-", "_"))


class Release(NamedTuple):
    """How a release of FHIR writes a ConceptMap."""

    relation: str
    """The element that holds the predicate."""
    denied: str
    of_predicate: Mapping[str, str]
    predicates: Mapping[str, str]
    """Back: what a code of the relation says, whoever wrote it."""
    commented: frozenset[str]


R4 = Release(
    "equivalence",
    "disjoint",
    {EXACT: "equivalent", BROAD: "wider", NARROW: "narrower", CLOSE: "relatedto", RELATED: "relatedto", XREF: "relatedto"},
    {
        "equivalent": EXACT,
        "equal": EXACT,
        "wider": BROAD,
        "subsumes": BROAD,
        "narrower": NARROW,
        "specializes": NARROW,
        "relatedto": RELATED,
        "inexact": RELATED,
        "unmatched": EXACT,
        "disjoint": EXACT,
    },
    frozenset(("narrower", "inexact")),
)  # fmt: skip
R5 = Release(
    "relationship",
    "not-related-to",
    {
        EXACT: "equivalent",
        BROAD: "source-is-narrower-than-target",
        NARROW: "source-is-broader-than-target",
        CLOSE: "related-to",
        RELATED: "related-to",
        XREF: "related-to",
    },
    {
        "equivalent": EXACT,
        "source-is-narrower-than-target": BROAD,
        "source-is-broader-than-target": NARROW,
        "related-to": RELATED,
        "not-related-to": EXACT,
    },
    frozenset(("source-is-broader-than-target", "not-related-to")),
)
RELEASES = {"concept-map-r4": R4, "concept-map-r5": R5}


class Prefixes:
    """CURIEs of one mapping set as system and code of FHIR, and back. The set's own prefixes come first."""

    def __init__(self, iris: Mapping[str, str]) -> None:
        self._systems = load_systems()
        self._iris = {**_STANDARD, **load_strict_yaml(mappings_folder() / "prefixes.yaml", name="prefixes.yaml")[0]}
        ours = {iri: prefix for prefix, iri in self._iris.items()}
        self._ours = {prefix: ours[iri] for prefix, iri in iris.items() if iri in ours}
        self._iris.update({prefix: iri for prefix, iri in iris.items() if prefix not in self._systems})
        accepted = {uri: system.id for system in self._systems.values() if system.fhir for uri in system.fhir.accepted}
        all_of_ours = {self.uri(prefix): prefix for prefix in self._iris}
        declared = sorted(
            iris, key=self._systems.__contains__
        )  # where two stand for one system, ours comes last and stays
        self._prefix = {**accepted, **all_of_ours, **{self.uri(prefix): prefix for prefix in declared}}

    def _system(self, prefix: str) -> str:
        return prefix if prefix in self._systems else self._ours.get(prefix, prefix)

    def uri(self, prefix: str) -> str:
        """The URI by which FHIR knows the system; where it knows none, the start of its IRIs."""
        system = self._systems.get(self._system(prefix))
        return system.fhir.uri if system is not None and system.fhir is not None else self._iris[prefix]

    def code(self, curie: str) -> tuple[str, str]:
        """System URI and code of *curie* as a cell holds it."""
        prefix, _, local = unquote(curie).partition(":")
        system = self._systems.get(self._system(prefix))
        code = f"{system.id}:{local}" if system and system.fhir and system.fhir.as_curie else local
        return self.uri(prefix), code

    def curie(self, uri: str, code: str) -> str:
        """The cell for system and code. Raises SpecificationError for a system that nobody declares."""
        prefix = self._prefix.get(uri)
        if prefix is None:
            raise SpecificationError(
                f"the code system {uri[:100]!r} has no prefix", fix="add it to mappings/systems and prefixes.yaml"
            )
        system = self._system(prefix)
        local = code.removeprefix(f"{system}:")
        return f"{prefix}:{quote(local, safe='/:.-_~{}()*+,;=@!$&')}"

    def iris(self, prefixes: Iterable[str]) -> dict[str, str]:
        """A curie_map for *prefixes*, those of ours among them, and of SSSOM's own."""
        made = {prefix: self._iris[prefix] for prefix in sorted(prefixes) if prefix in self._iris}
        return {**made, **_STANDARD}
