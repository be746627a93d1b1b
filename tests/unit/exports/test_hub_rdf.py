"""A hub record as a graph: one IRI for each object, no blank nodes, the same text each time."""

from __future__ import annotations

from rdflib import BNode, Graph, Literal, URIRef
from rdflib.namespace import RDF, SKOS, XSD

from harmonize.exports.hub_rdf import as_ntriples, hub_graph
from harmonize.exports.vocabulary import code_iri, object_iri, record_iri
from tests.rich_record import RICH
from tests.unit.exports.small_records import conforming

H = "https://w3id.org/harmonize/"


def h(name: str) -> URIRef:
    return URIRef(H + name)


def test_a_record() -> None:
    graph = hub_graph(conforming())
    record = URIRef(record_iri("AB-1"))
    coding = URIRef(f"{record}#/diagnoses/0/disease/codings/0")
    assert (record, RDF.type, h("Subject")) in graph
    assert (record, h("diagnoses"), URIRef(f"{record}#/diagnoses/0")) in graph
    assert (
        URIRef(f"{record}#/birth_date"),
        h("value"),
        Literal("1985-02", datatype=XSD.gYearMonth, normalize=False),
    ) in graph
    assert (coding, h("code"), URIRef("http://www.orpha.net/ORDO/Orphanet_558")) in graph
    assert (coding, SKOS.notation, Literal("ORPHA:558")) in graph


def test_no_blank_nodes_and_the_same_bytes() -> None:
    first, second = as_ntriples(hub_graph(RICH)), as_ntriples(hub_graph(RICH))
    graph = Graph().parse(data=first, format="nt")
    assert first == second and len(graph) == len(first.splitlines()) > 500
    assert not any(isinstance(term, BNode) for triple in graph for term in triple)


def test_iris_hold_what_iris_can_hold() -> None:
    assert code_iri("ICD10:A <b>") == "http://hl7.org/fhir/sid/icd-10/A%20%3Cb%3E"
    assert code_iri("NOBODY:1/2") == f"{H}code/NOBODY%3A1%2F2"
    assert object_iri(record_iri("a#b"), "/x/0") == f"{H}record/a%23b#/x/0"
