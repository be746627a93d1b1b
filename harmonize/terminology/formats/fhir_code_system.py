"""FHIR CodeSystem resources as JSON, R4 and R5.

Source: https://hl7.org/fhir/R4/codesystem.html and https://hl7.org/fhir/R5/codesystem.html: content, hierarchyMeaning, concept with
concept, designation and property; the properties parent, child, inactive and status as https://hl7.org/fhir/R5/codesystem-concept-properties.html
defines them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harmonize.terminology.build import Term
from harmonize.terminology.formats.source import Request, Source, Stated, the_only
from harmonize.terminology.notation import load_systems

_REFUSED = {
    "not-present": "it names the code system and holds none of its codes (content: not-present)",
    "supplement": "it adds to another code system (content: supplement), which is not read",
}
_PARTIAL = {"example", "fragment"}
_SUBSUMING = {"is-a", "classified-with"}
"""Meanings of the hierarchy under which a child is a kind of its parent; others are not taken for that."""


def read_fhir_code_system(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """One CodeSystem resource."""
    source = the_only(sources, ".json")
    resource = source.json()
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind != "CodeSystem":
        raise source.error("no CodeSystem resource", fix="take the CodeSystem out of its Bundle or package")
    content = resource.get("content")
    if content in _REFUSED:
        raise source.error(_REFUSED[content])
    if content not in _PARTIAL | {"complete"}:
        raise source.error("content is none of complete, fragment, example")
    try:
        _state(resource, stated)
        if content in _PARTIAL:
            stated.complete = False
            stated.said.append(f"the file says that it holds only some of the codes (content: {content})")
        meaning = resource.get("hierarchyMeaning", "is-a")
        if meaning not in _SUBSUMING:
            stated.said.append(f"its hierarchy means {meaning!r}: children are not taken for kinds of their parents")
        yield from _concepts(source, resource.get("concept") or [], subsumes=meaning in _SUBSUMING)
    except (AttributeError, KeyError, TypeError):
        raise source.error("a concept is not as CodeSystem defines it") from None


def _state(resource: Mapping[str, Any], stated: Stated) -> None:
    stated.system = system_of(resource.get("url"))
    stated.version = str(resource.get("version", ""))
    stated.title = str(resource.get("title") or resource.get("name") or "")
    stated.licence = str(resource.get("copyright") or "")[:200]


def system_of(url: Any) -> str:
    """The code system of ours whose URI *url* is; empty where there is none, or not one alone."""
    fitting = [s.id for s in load_systems().values() if s.fhir and url in (s.fhir.uri, *s.fhir.accepted)]
    return fitting[0] if len(fitting) == 1 else ""


def add_designations(term: Term, concept: Mapping[str, Any]) -> None:
    """The other names of a concept, with their languages."""
    for designation in concept.get("designation") or ():
        text = str(designation["value"])
        if text != term.label:
            term.names.append(("exact", text))
        if designation.get("language"):
            term.languages.append((str(designation["language"]), text))


def _concepts(source: Source, concepts: list[Any], *, subsumes: bool) -> Iterator[Term]:
    """All concepts, at any depth, without recursion; parents that are stated as properties count as well.

    What parent and child mean as properties is what the hierarchy means: https://hl7.org/fhir/R5/codesystem-concept-properties.html.
    """
    terms: dict[str, Term] = {}
    children: list[tuple[str, str]] = []
    waiting = [(concept, "") for concept in reversed(concepts)]
    while waiting:
        concept, parent = waiting.pop()
        term = _term(concept, children)
        if term.code in terms:
            raise source.error(f"the code {term.code[:60]!r} stands twice")
        terms[term.code] = term
        if parent:
            term.parents.append(parent)
        waiting += [(child, term.code) for child in reversed(concept.get("concept") or [])]
    for parent, child in children:
        if child in terms:
            terms[child].parents.append(parent)
    if not subsumes:
        for term in terms.values():
            term.parents.clear()
    yield from terms.values()


def _term(concept: Mapping[str, Any], children: list[tuple[str, str]]) -> Term:
    code = concept["code"]
    if not isinstance(code, str) or not code:
        raise TypeError
    term = Term(code, str(concept.get("display") or ""))
    add_designations(term, concept)
    for stated in concept.get("property") or ():
        name = stated["code"]
        if name == "parent":
            term.parents.append(str(stated["valueCode"]))
        elif name == "child":
            children.append((code, str(stated["valueCode"])))
        elif name in ("inactive", "notActive"):
            term.obsolete |= stated.get("valueBoolean") is True
        elif name == "status":
            term.obsolete |= stated.get("valueCode") in ("retired", "inactive")
    return term
