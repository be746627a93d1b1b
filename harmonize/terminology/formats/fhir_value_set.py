"""FHIR ValueSet resources as JSON, R4 and R5: the codes that one of them lists of one code system, as a part of that system.

Source: https://hl7.org/fhir/R4/valueset.html and https://hl7.org/fhir/R5/valueset.html: expansion.contains, else compose.include.concept.
What is defined by a rule (filter, another value set, a whole system) holds no codes to read: it has to be expanded first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harmonize.errors import CallError
from harmonize.terminology.build import Term
from harmonize.terminology.formats.fhir_code_system import add_designations, system_of
from harmonize.terminology.formats.source import Request, Source, Stated, the_only


def read_value_set(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """One ValueSet resource. Of codes of several systems `--system` says which are read."""
    source = the_only(sources, ".json")
    resource = source.json()
    if not isinstance(resource, dict) or resource.get("resourceType") != "ValueSet":
        raise source.error("no ValueSet resource", fix="take the ValueSet out of its Bundle or package")
    try:
        entries = list(
            _expanded(resource) if "expansion" in resource else _composed(source, resource.get("compose") or {})
        )
        wanted = _state(entries, resource, request, stated)
        seen: dict[str, Term] = {}
        for url, version, concept in entries:
            if url not in wanted:
                continue
            stated.version = stated.version or version
            term = _term(concept)
            if seen.setdefault(term.code, term) is term:
                yield term
    except (AttributeError, KeyError, TypeError):
        raise source.error("an entry is not as ValueSet defines it") from None


def _state(
    entries: Sequence[tuple[str, str, Any]], resource: Mapping[str, Any], request: Request, stated: Stated
) -> set[str]:
    """The URIs of the code system that is read."""
    named = {url: system_of(url) for url, _, _ in entries}
    wanted = {url for url, system in named.items() if system and system == request.system} or set(named)
    if len(named) > len(wanted):
        stated.said.append(f"it lists codes of {len(named)} code systems: those of {request.system} are read")
    systems = {named[url] for url in wanted}
    if len(systems) == 1:
        stated.system = systems.pop()
    if len(wanted) > 1 and not stated.system:
        listed = ", ".join(sorted(filter(None, named.values())) or sorted(named))[:200]
        raise CallError(f"it lists codes of {len(named)} code systems. To mend it: give --system, one of {listed}")
    stated.complete = False
    stated.title = str(resource.get("title") or resource.get("name") or "")
    stated.licence = str(resource.get("copyright") or "")[:200]
    stated.said.append("a value set is a part of its code system: codes that are not in it count as not checked")
    return wanted


def _expanded(resource: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(system, version, concept) of all entries at any depth; what is abstract is a heading and no code to choose."""
    waiting = list(reversed(resource["expansion"].get("contains") or []))
    while waiting:
        entry = waiting.pop()
        if entry.get("code") and not entry.get("abstract"):
            yield str(entry["system"]), str(entry.get("version") or ""), entry
        waiting += reversed(entry.get("contains") or [])


def _composed(source: Source, compose: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    if compose.get("exclude"):
        raise source.error("it excludes codes", fix="expand it, and give the expansion")
    for include in compose.get("include") or ():
        if include.get("filter") or include.get("valueSet") or not include.get("concept"):
            raise source.error(
                "it is defined by a rule (a filter, another value set, or a whole code system)",
                fix="expand it, and give the expansion",
            )
        for concept in include["concept"]:
            yield str(include["system"]), str(include.get("version") or ""), concept


def _term(concept: Mapping[str, Any]) -> Term:
    code = concept["code"]
    if not isinstance(code, str) or not code:
        raise TypeError
    term = Term(code, str(concept.get("display") or ""), obsolete=concept.get("inactive") is True)
    add_designations(term, concept)
    return term
