"""A hub record as an RDF graph, for SHACL: one IRI for each object, no blank nodes, the same graph for the same record.

Scalars are literals of the hub's types, dates are xsd:date, xsd:gYearMonth or xsd:gYear by what is known of them. A coding
has its code as an IRI and its CURIE as `skos:notation`. A value where the hub has none of that kind becomes a literal of JSON, so that
shapes refuse it; nothing is left out. The order of a list stands in the IRIs of its objects only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from harmonize.exports.vocabulary import code_iri, hub_iri, object_iri, record_iri
from harmonize.hub import Slot, hub_schema

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node, URIRef

_TYPES: Mapping[str, type] = {"boolean": bool, "integer": int, "string": str}


def hub_graph(record: Mapping[str, Any]) -> Graph:
    """The graph of a hub *record*, which has a `subject_id`."""
    from rdflib import Graph
    from rdflib.namespace import SKOS

    graph = Graph(bind_namespaces="none")
    graph.bind("harmonize", hub_iri(""))
    graph.bind("skos", SKOS)
    writer = _Writer(graph, record_iri(str(record["subject_id"])))
    writer.write(record, "Subject", "")
    return graph


def as_ntriples(graph: Graph) -> str:
    """The graph as N-Triples in the order of their text."""
    lines = graph.serialize(format="nt").splitlines()
    return "".join(f"{line}\n" for line in sorted(line for line in lines if line))


class _Writer:
    def __init__(self, graph: Graph, record: str) -> None:
        self._graph, self._record = graph, record

    def write(self, value: Mapping[str, Any], class_name: str, pointer: str) -> URIRef:
        """The triples of one object; its IRI."""
        from rdflib.namespace import RDF, SKOS
        from rdflib.term import Literal, URIRef

        node = URIRef(object_iri(self._record, pointer))
        self._graph.add((node, RDF.type, URIRef(hub_iri(class_name))))
        slots = hub_schema().classes[class_name]
        for name, item in value.items():
            predicate = URIRef(hub_iri(name))
            for place, part in _parts(item, slots.get(name)):
                written = self._value(
                    part, slots.get(name), class_name, name, value, f"{pointer}/{_escaped(name)}{place}"
                )
                self._graph.add((node, predicate, written))
        if class_name == "Coding" and isinstance(value.get("code"), str):
            self._graph.add((node, SKOS.notation, Literal(value["code"])))
        return node

    def _value(
        self, value: Any, slot: Slot | None, class_name: str, name: str, owner: Mapping[str, Any], pointer: str
    ) -> Node:
        from rdflib.namespace import RDF
        from rdflib.term import Literal, URIRef

        if slot is not None and slot.range in hub_schema().classes and isinstance(value, dict):
            return self.write(value, slot.range, pointer)
        if class_name == "Coding" and name == "code" and isinstance(value, str):
            return URIRef(code_iri(value))
        if class_name == "PartialDate" and name == "value" and isinstance(value, str):
            return _date(value, owner.get("precision"))
        expected = _TYPES.get(slot.range, str) if slot is not None and slot.range not in hub_schema().classes else None
        if expected is not None and type(value) is expected:
            return Literal(value)
        return Literal(json.dumps(value, sort_keys=True, ensure_ascii=False), datatype=RDF.JSON, normalize=False)


def _parts(value: Any, slot: Slot | None) -> Iterator[tuple[str, Any]]:
    """The values of a slot with what they add to the pointer. A list where the hub has one value is one value, and the other way round."""
    if slot is not None and slot.multivalued and isinstance(value, list):
        for index, part in enumerate(value):
            yield f"/{index}", part
    elif slot is not None and slot.multivalued:
        yield "", [value]
    else:
        yield "", value


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _date(value: str, precision: Any) -> Node:
    """A date literal of its precision; a text where it is no date.

    >>> _date("2019-02", "month")
    rdflib.term.Literal('2019-02', datatype=rdflib.term.URIRef('http://www.w3.org/2001/XMLSchema#gYearMonth'))
    >>> _date("2019-02-31", "day")
    rdflib.term.Literal('2019-02-31')
    """
    from rdflib.namespace import XSD
    from rdflib.term import Literal

    kinds = {4: ("year", "-01-01", XSD.gYear), 7: ("month", "-01", XSD.gYearMonth), 10: ("day", "", XSD.date)}
    wanted, rest, datatype = kinds.get(len(value), ("", "", None))
    try:
        date.fromisoformat(value + rest)
    except ValueError:
        return Literal(value)
    return Literal(value, datatype=datatype, normalize=False) if wanted == precision else Literal(value)
