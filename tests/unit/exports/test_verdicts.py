"""What the JSON Schema refuses is what the grader refuses, item by item: two ways to the same answer, thousands of records."""

from __future__ import annotations

import collections
import copy
from random import Random
from typing import Any

import jsonschema_rs
import pytest

from harmonize.datasets.grading import Grader
from harmonize.datasets.specification import Dataset, dataset_names, load_dataset
from harmonize.exports.demands import Demands, dataset_demands
from harmonize.exports.json_schema import dataset_json_schema
from harmonize.hub import hub_json_schema, hub_schema
from harmonize.hub.objects import hub_object
from tests.rich_record import RICH
from tests.unit.exports.breaches import BREACHES, Breach
from tests.unit.exports.small_records import coded, random_record, small

WAYS: list[dict[str, Any]] = [
    {},
    {"level": "recommended"},
    {"level": "optional"},
    {"version": "1.0", "level": "recommended"},
    {"petals": ()},
    {"petals": ("cancer", "travel")},
]


def refused_by_schema(judge: Any, demands: Demands, record: Any) -> set[str]:
    """The items whose schema refuses *record*."""
    return {demands.demands[error.evaluation_path[1]].id for error in judge.iter_errors(record)}


def refused_by_grader(grader: Grader, record: Any) -> dict[str, set[str]]:
    """The items, and classes, that *record* breaks, with the rules."""
    found: dict[str, set[str]] = collections.defaultdict(set)
    for violation in grader.violations(record, grader.grade(record)):
        found[violation.item.id if violation.item else violation.class_name].add(violation.rule)
    return found


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_json_schema_and_grader_agree(way: dict[str, Any]) -> None:
    hub = jsonschema_rs.validator_for(hub_json_schema())
    demands = dataset_demands(small(), **way)
    judge = jsonschema_rs.validator_for(dataset_json_schema(demands))
    grader = Grader(small(), **way)
    broken: set[str] = set()
    conforming_records = 0
    for seed in range(1500):
        record = random_record(seed)
        assert hub.is_valid(record), list(hub.iter_errors(record))
        expected = refused_by_grader(grader, record)
        assert refused_by_schema(judge, demands, record) == set(expected), record
        assert judge.is_valid(record) == (not expected)
        broken |= set(expected)
        conforming_records += not expected
    assert len(broken) >= 10 and conforming_records > 5


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.name)
def test_every_kind_of_breach(breach: Breach) -> None:
    demands = dataset_demands(small(), level=breach.level)
    judge = jsonschema_rs.validator_for(dataset_json_schema(demands))
    expected = {breach.item} if breach.item else set()
    assert refused_by_schema(judge, demands, breach.record()) == expected
    assert set(refused_by_grader(Grader(small(), level=breach.level), breach.record())) == expected


def test_an_empty_text_is_no_value() -> None:
    onset = Breach("empty", "small:onset", {"consents": [{"purpose": "contact", "decision": "deny"}], "diagnoses": [{"disease": coded("ORPHA:558"), "onset_age": ""}]})  # fmt: skip
    demands = dataset_demands(small(), level="recommended")
    judge = jsonschema_rs.validator_for(dataset_json_schema(demands))
    assert refused_by_schema(judge, demands, onset.record()) == {"small:onset"}


def mutated(seed: int) -> Any:
    """The record that fills every slot, with things taken out and codes exchanged."""
    random = Random(seed)
    record = copy.deepcopy(RICH)
    del record["treatments"]  # its slots are about to be renamed
    for _ in range(random.randint(0, 40)):
        holder: Any = record
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = random.choice(keys)
            if not isinstance(holder[key], (dict, list)) or not holder[key] or random.random() < 0.25:
                break
            holder = holder[key]
        if isinstance(holder[key], dict) and "codings" in holder[key]:
            holder[key] = random.choice(
                [{"null_flavor": "UNK"}, {"null_flavor": "OTH"}, {"text": "words"}, holder[key]]
            )
        elif random.random() < 0.7 and key not in REQUIRED:
            del holder[key]
    return hub_object(without_empty(record))


REQUIRED = {name for slots in hub_schema().classes.values() for name, slot in slots.items() if slot.required}


def without_empty(value: Any) -> Any:
    """*value* without objects and lists that hold nothing: an empty coded value is a question of its own."""
    if isinstance(value, dict):
        return {key: part for key, part in ((k, without_empty(v)) for k, v in value.items()) if part not in ({}, [])}
    return [part for part in map(without_empty, value) if part not in ({}, [])] if isinstance(value, list) else value


@pytest.mark.parametrize("level", ["mandatory", "optional"])
@pytest.mark.parametrize("name", dataset_names())
def test_data_sets_that_ship(name: str, level: str) -> None:
    """Codes apart: whether one is in an edition, or below another, is not in the schema, and it says so."""
    dataset: Dataset = load_dataset(name)
    hub = jsonschema_rs.validator_for(hub_json_schema())
    demands = dataset_demands(dataset, level=level)
    judge = jsonschema_rs.validator_for(dataset_json_schema(demands))
    grader = Grader(dataset, level=level)
    assert not any("condition is not expressed" in note.text for note in demands.notes)
    records = 0
    for seed in range(300):
        record = mutated(seed)
        if not hub.is_valid(record):
            continue
        records += 1
        expected = refused_by_grader(grader, record)
        found = refused_by_schema(judge, demands, record)
        assert found <= set(expected), (record, found - set(expected))
        certain = {item for item, rules in expected.items() if rules != {"dataset.code"}}
        assert certain <= found, (record, {item: expected[item] for item in certain - found})
    assert records > 50
