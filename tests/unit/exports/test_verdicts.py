"""The verdict of the JSON Schema is that of the grader: two ways to the same answer, thousands of records."""

from __future__ import annotations

import collections
from typing import Any

import jsonschema_rs
import pytest

from harmonize.datasets.grading import Grader
from harmonize.exports.demands import dataset_demands
from harmonize.exports.json_schema import dataset_json_schema
from harmonize.hub import hub_json_schema
from tests.unit.exports.small_records import conforming, random_record, small

WAYS: list[dict[str, Any]] = [
    {},
    {"level": "recommended"},
    {"level": "optional"},
    {"version": "1.0", "level": "recommended"},
    {"petals": ()},
    {"petals": ("cancer", "travel")},
]


def conforms(grader: Grader, record: Any) -> bool:
    return not list(grader.violations(record, grader.grade(record)))


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_json_schema_and_grader_agree(way: dict[str, Any]) -> None:
    hub = jsonschema_rs.validator_for(hub_json_schema())
    judge = jsonschema_rs.validator_for(dataset_json_schema(dataset_demands(small(), **way)))
    grader = Grader(small(), **way)
    verdicts: collections.Counter[bool] = collections.Counter()
    for seed in range(1500):
        record = random_record(seed)
        assert hub.is_valid(record), list(hub.iter_errors(record))
        expected = conforms(grader, record)
        verdicts[expected] += 1
        found = [error.message for error in judge.iter_errors(record)]
        why = [
            f"{v.item.id if v.item else v.class_name} {v.rule}" for v in grader.violations(record, grader.grade(record))
        ]
        assert (not found) == expected, (record, why, found)
    assert verdicts[False] > 300
    if way.get("level") != "optional":
        assert verdicts[True] > 5


def test_the_conforming_record_conforms() -> None:
    schema = dataset_json_schema(dataset_demands(small()))
    assert jsonschema_rs.validator_for(schema).is_valid(conforming())
