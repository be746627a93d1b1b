"""pyshacl judges the RDF of hub records by our shapes: the verdict is that of the JSON Schema."""

from __future__ import annotations

import collections
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from rdflib import Graph
from rdflib.namespace import SH

from harmonize.datasets.specification import dataset_names, load_dataset
from harmonize.exports.demands import dataset_demands
from harmonize.exports.hub_rdf import hub_graph
from harmonize.exports.json_schema import dataset_json_schema, hub_as_json_schema
from harmonize.exports.shacl import DEPTH, dataset_shacl, hub_shacl
from tests.rich_record import RICH
from tests.unit.exports.breaches import BREACHES, HUB_BREACHES, Breach
from tests.unit.exports.small_records import conforming, random_record, small

pyshacl = pytest.importorskip("pyshacl")
pytestmark = pytest.mark.filterwarnings("ignore")


@cache
def shapes(name: str) -> Graph:
    text = hub_shacl() if name == "hub" else dataset_shacl(dataset_demands(small(), level=name))
    return Graph().parse(data=text, format="turtle")


def judged(record: dict[str, Any], name: str) -> tuple[bool, str]:
    conforms, _, text = pyshacl.validate(hub_graph(record), shacl_graph=shapes(name), max_validation_depth=DEPTH)
    return conforms, text


def test_the_shapes_are_shacl() -> None:
    """By the shapes of SHACL itself: those of the items, and of one class of the hub, for they are alike and many."""
    blocks = dataset_shacl(dataset_demands(small())).split("\n<")
    kept = [b for b in blocks if "/shapes/hub/" not in b.split(">")[0] or b.split(">")[0].endswith("/Coding")]
    ours = Graph().parse(data="\n<".join(kept), format="turtle")
    conforms, _, text = pyshacl.validate(
        hub_graph(conforming()), shacl_graph=ours, meta_shacl=True, max_validation_depth=DEPTH
    )
    assert conforms, text


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.name)
def test_every_kind_of_breach(breach: Breach) -> None:
    conforms, text = judged(breach.record(), breach.level)
    schema = dataset_json_schema(dataset_demands(small(), level=breach.level))
    assert conforms is jsonschema_rs.validator_for(schema).is_valid(breach.record()) is (not breach.item)
    assert breach.item in text


@pytest.mark.parametrize("breach", HUB_BREACHES, ids=lambda breach: breach.name)
def test_breaches_of_the_hub(breach: Breach) -> None:
    conforms, text = judged(breach.record(), "hub")
    assert conforms is jsonschema_rs.validator_for(hub_as_json_schema()).is_valid(breach.record()) is False
    assert breach.item in text


def test_verdicts_of_shacl_and_json_schema_are_equal() -> None:
    judge = jsonschema_rs.validator_for(dataset_json_schema(dataset_demands(small())))
    verdicts: collections.Counter[bool] = collections.Counter()
    for seed in range(40):
        record = random_record(seed)
        expected = judge.is_valid(record)
        verdicts[expected] += 1
        conforms, text = judged(record, "mandatory")
        assert conforms == expected, (record, text)
    assert verdicts[True] > 1 and verdicts[False] > 10


@pytest.mark.parametrize("name", dataset_names())
def test_data_sets_that_ship(name: str) -> None:
    """Item by item: what the schema refuses of the record that fills every slot is what the shapes refuse."""
    record = {**RICH, "treatments": []}
    demands = dataset_demands(load_dataset(name))
    shacl = Graph().parse(data=dataset_shacl(demands), format="turtle")
    _, results, _ = pyshacl.validate(hub_graph(record), shacl_graph=shacl, max_validation_depth=DEPTH)
    titles = {demand.title for demand in demands.demands}  # other messages are the details of these
    found = {str(message) for message in results.objects(None, SH.resultMessage)} & titles
    judge = jsonschema_rs.validator_for(dataset_json_schema(demands))
    expected = {demands.demands[error.evaluation_path[1]].title for error in judge.iter_errors(record)}
    assert found == expected
