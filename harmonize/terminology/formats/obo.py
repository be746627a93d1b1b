"""Ontologies in the OBO flat file format, and in its JSON form. Imports are never followed.

Sources: OBO Flat File Format 1.4, https://owlcollab.github.io/oboformat/doc/obo-syntax.html; OBO Graphs,
https://github.com/geneontology/obographs. Of an ontology the terms are taken whose id has the prefix; pronto is the oracle in tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harmonize.terminology.build import Term
from harmonize.terminology.formats.source import Request, Source, Stated, the_only

_SYNONYM = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(EXACT|BROAD|NARROW|RELATED)?')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "W": " ", "t": "\t"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_OBO_IRI = re.compile(
    r"https?://(?:purl\.obolibrary\.org/obo|www\.orpha\.net/ORDO|www\.ebi\.ac\.uk/efo)/([A-Za-z]+)_(\w+)"
)
_LISTS = {"alt_id": "alternatives", "replaced_by": "replaced_by", "consider": "consider", "is_a": "parents"}


def read_obo(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """An .obo file: id, name, is_obsolete, synonym, alt_id, replaced_by, consider, is_a, xref of every [Term]."""
    source = the_only(sources, ".obo")
    stated.curies, stated.system, foreign = True, request.system, 0
    for kind, tags, start in _stanzas(source):
        if kind == "":
            _header(tags, stated)
            continue
        if kind != "Term":
            continue
        reached, source.line = source.line, start
        term = _term(source, tags)
        if term.code.startswith(f"{stated.system}:"):
            term.parents.sort()
            yield term
        else:
            foreign += 1
        source.line = reached
    if foreign:
        stated.said.append(f"{foreign} terms of other ontologies in the file are left out")


def _stanzas(source: Source) -> Iterator[tuple[str, list[tuple[str, str]], int]]:
    """(kind, tags and values, line) of the header, whose kind is empty, and of every stanza."""
    kind, tags, start = "", list[tuple[str, str]](), 1
    for raw in source.lines():
        line = raw.strip()
        if not line or line.startswith("!"):
            continue
        if line.startswith("["):
            if not kind and not any(tag == "format-version" for tag, _ in tags):
                raise source.error("no OBO file: its header has no format-version")
            yield kind, tags, start
            kind, tags, start = line[1:].partition("]")[0], [], source.line
            if not kind or "]" not in line:
                raise source.error("a stanza without a name in brackets")
            continue
        tag, colon, value = line.partition(":")
        if not colon:
            raise source.error("no `tag: value`")
        tags.append((tag, value.strip()))
    if not kind:
        raise source.error("no OBO file: it has no stanza")
    yield kind, tags, start


def edition_of(text: str) -> str:
    """The day in the name of a version, where there is one, as in `hp/releases/2026-02-16`; else the name."""
    date = _DATE.search(text)
    return date.group() if date else text


def _header(tags: Sequence[tuple[str, str]], stated: Stated) -> None:
    named = dict(tags)
    stated.version = edition_of(named.get("data-version", ""))
    ontology = named.get("ontology", "").rpartition("/")[2].partition(".")[0]
    stated.system = stated.system or ontology.upper()
    stated.title = ontology
    imports = sum(tag == "import" for tag, _ in tags)
    if imports:
        stated.said.append(f"{imports} imports are not followed")


def _term(source: Source, tags: Sequence[tuple[str, str]]) -> Term:
    term = Term("", "")
    for tag, value in tags:
        if tag == "id":
            if term.code:
                raise source.error("a stanza with two ids")
            term.code = _identifier(value)
        elif tag == "name":
            term.label = _plain(_without_comment(value))
        elif tag == "is_obsolete":
            term.obsolete = _without_comment(value) == "true"
        elif tag == "synonym":
            found = _SYNONYM.match(value)
            if found is None:
                raise source.error("a synonym that is not quoted")
            term.names.append(((found.group(2) or "RELATED").lower(), _plain(found.group(1))))
        elif tag == "xref":
            term.xrefs.append(_identifier(value))
        elif tag in _LISTS:
            getattr(term, _LISTS[tag]).append(_identifier(value))
    if not term.code:
        raise source.error("a [Term] without id")
    return term


def _without_comment(value: str) -> str:
    return re.split(r"(?<!\\)\s+!", value, maxsplit=1)[0].rstrip() if "!" in value else value


def _identifier(value: str) -> str:
    """The id, without trailing text, modifiers and comment."""
    return _plain(value.split(maxsplit=1)[0]) if value else ""


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda m: _ESCAPED.get(m.group(1), m.group(1)), text) if "\\" in text else text


def read_obographs(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """OBO Graphs JSON: the first graph; nodes of type CLASS, edges is_a."""
    source = the_only(sources, ".json")
    document = source.json()
    graphs = document.get("graphs") if isinstance(document, dict) else None
    if not isinstance(graphs, list) or not graphs or not isinstance(graphs[0], dict):
        raise source.error("no OBO Graphs document: it has no graphs")
    graph: Mapping[str, Any] = graphs[0]
    stated.curies = True
    try:
        yield from _nodes(source, graph, request, stated)
    except (AttributeError, KeyError, TypeError):
        raise source.error("a node or an edge is not as OBO Graphs writes it") from None


def _nodes(source: Source, graph: Mapping[str, Any], request: Request, stated: Stated) -> Iterator[Term]:
    ontology = str(graph.get("id", "")).rpartition("/")[2].partition(".")[0]
    meta = graph.get("meta") or {}
    stated.system, stated.title = request.system or ontology.upper(), ontology
    stated.version = edition_of(str(meta.get("version", "")))
    parents: dict[str, list[str]] = {}
    for edge in graph.get("edges", ()):
        if edge["pred"] == "is_a":
            parents.setdefault(_curie(edge["sub"]), []).append(_curie(edge["obj"]))
    foreign = 0
    for node in graph.get("nodes", ()):
        if node.get("type", "CLASS") != "CLASS":
            continue
        code = _curie(node["id"])
        if not code.startswith(f"{stated.system}:"):
            foreign += 1
            continue
        yield _node(code, node, sorted(parents.get(code, ())))
    if foreign:
        stated.said.append(f"{foreign} terms of other ontologies in the file are left out")


def _node(code: str, node: Mapping[str, Any], parents: list[str]) -> Term:
    meta = node.get("meta") or {}
    term = Term(code, node.get("lbl") or "", obsolete=bool(meta.get("deprecated")), parents=parents)
    for synonym in meta.get("synonyms", ()):
        scope = synonym["pred"].removeprefix("has").removesuffix("Synonym").lower()
        term.names.append((scope, synonym["val"]))
    term.xrefs = [xref["val"] for xref in meta.get("xrefs", ())]
    for value in meta.get("basicPropertyValues", ()):
        name = value["pred"].rpartition("/")[2].rpartition("#")[2]
        kind = {"IAO_0100001": term.replaced_by, "consider": term.consider, "hasAlternativeId": term.alternatives}.get(
            name
        )
        if kind is not None:
            kind.append(_curie(value["val"]))
    return term


def _curie(iri: str) -> str:
    found = _OBO_IRI.fullmatch(iri)
    return f"{found.group(1)}:{found.group(2)}" if found else iri
