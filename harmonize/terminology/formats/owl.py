"""Ontologies in OWL, written as RDF/XML, read with pronto. Imports are never followed.

Source: OWL 2 Mapping to RDF Graphs (https://www.w3.org/TR/owl2-mapping-to-rdf/), RDF 1.1 XML Syntax, and what OBO makes of OWL
(https://owlcollab.github.io/oboformat/doc/obo-syntax.html, section 5). Before pronto sees the file, expat does:
entities are refused, and what is no RDF/XML is told with its line. pronto fails on parents that the file does not declare (those of what it
imports): they are declared at its end.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any
from xml.parsers import expat

from harmonize.errors import InputError
from harmonize.terminology.build import Term
from harmonize.terminology.formats.obo import edition_of
from harmonize.terminology.formats.source import MAX_DOCUMENT, Request, Source, Stated, the_only, xml_parser

_RDF, _RDFS, _OWL = (
    "http://www.w3.org/1999/02/22-rdf-syntax-ns# ",
    "http://www.w3.org/2000/01/rdf-schema# ",
    "http://www.w3.org/2002/07/owl# ",
)
_PRONTO_RAISES = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    SyntaxError,
    NotImplementedError,
    RecursionError,
)


def read_owl(sources: Sequence[Source], request: Request, stated: Stated) -> Iterator[Term]:
    """An .owl file in RDF/XML: the classes of the ontology, of other ontologies none."""
    source = the_only(sources, ".owl", ".rdf", ".xml")
    data = b"".join(source.chunks(MAX_DOCUMENT))
    looked = _Look(source)
    looked.feed(data)
    if looked.imports:
        stated.said.append(f"{looked.imports} imports are not followed")
    try:
        ontology = open_ontology(_declared(data, looked.undeclared()))
        yield from _own_terms(ontology, len(looked.declared), request, stated)
    except _PRONTO_RAISES as error:
        raise InputError(f"pronto does not read this OWL ({type(error).__name__})", file=source.name) from None


def _own_terms(ontology: Any, declared: int, request: Request, stated: Stated) -> Iterator[Term]:
    name = str(ontology.metadata.ontology or "").rpartition("/")[2].partition(".")[0]
    stated.curies, stated.title = True, name
    stated.system = request.system or name.upper()
    stated.version = edition_of(str(ontology.metadata.data_version or ""))
    own = wordy = 0
    for term in terms_of(ontology):
        if not term.code.startswith(f"{stated.system}:"):
            continue
        own += 1
        for codes in (term.replaced_by, term.consider):
            named = [code for code in codes if not any(character.isspace() for character in code)]
            wordy += len(codes) - len(named)
            codes[:] = named
        yield term
    if wordy:
        stated.said.append(f"{wordy} replacements are words and no codes, and are left out")
    if declared > own:
        stated.said.append(f"{declared - own} terms of other ontologies in the file are left out")


def open_ontology(data: bytes) -> Any:
    """What pronto makes of *data*; it says much on stderr, and nothing of what it names is opened."""
    import pronto

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pronto.Ontology(io.BytesIO(data), import_depth=0, threads=1)  # type: ignore[attr-defined]


def terms_of(ontology: Any) -> Iterator[Term]:
    """The terms of an ontology that pronto has read."""
    for term in ontology.terms():
        yield Term(
            code=term.id,
            label=term.name or "",
            obsolete=bool(term.obsolete),
            names=[((synonym.scope or "RELATED").lower(), synonym.description) for synonym in term.synonyms],
            alternatives=sorted(term.alternate_ids),
            replaced_by=sorted(term.replaced_by.ids),
            consider=sorted(term.consider.ids),
            parents=sorted(parent.id for parent in term.superclasses(distance=1, with_self=False)),
            xrefs=sorted({xref.id for xref in term.xrefs}),
        )


class _Look:
    """What expat finds: the classes that are declared, those that are named as parents, and the imports."""

    def __init__(self, source: Source) -> None:
        self.source, self.imports = source, 0
        self.declared: set[str] = set()
        self._parents: set[str] = set()
        self._depth = 0
        self._ontology = False
        self._parser = xml_parser(source, namespaces=True)
        self._parser.StartElementHandler = self._start

    def feed(self, data: bytes) -> None:
        """Look at the whole file."""
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            self.source.line = error.lineno
            raise self.source.error(f"no XML: {expat.ErrorString(error.code)}") from None
        except (LookupError, ValueError):
            self.source.line = 1
            raise self.source.error("an encoding that is not read", fix="convert it to UTF-8") from None
        if not self._ontology:
            raise self.source.error("no OWL ontology in RDF/XML: it has no owl:Ontology", fix="convert it with robot")

    def undeclared(self) -> list[str]:
        """Parents that are no classes of the file."""
        return sorted(self._parents - self.declared)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._depth and name != f"{_RDF}RDF":
            self.source.line = self._parser.CurrentLineNumber
            raise self.source.error(
                "no OWL in RDF/XML: its root is not rdf:RDF", fix="convert it to RDF/XML, with robot"
            )
        self._depth += 1
        self._ontology |= name == f"{_OWL}Ontology"
        self.imports += name == f"{_OWL}imports"
        if name == f"{_OWL}Class" and f"{_RDF}about" in attributes:
            self.declared.add(attributes[f"{_RDF}about"])
        elif name == f"{_RDFS}subClassOf" and f"{_RDF}resource" in attributes:
            self._parents.add(attributes[f"{_RDF}resource"])


def _declared(data: bytes, classes: Sequence[str]) -> bytes:
    """*data* with declarations of *classes* before its end."""
    if not classes:
        return data
    uris = f'xmlns:owl="{_OWL.strip()}" xmlns:rdf="{_RDF.strip()}"'
    more = "".join(f'<owl:Class {uris} rdf:about="{escape(iri)}"/>' for iri in classes)
    place = data.rindex(b"</")
    return data[:place] + more.encode("ascii", "xmlcharrefreplace") + data[place:]
