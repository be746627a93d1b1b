"""Grading of arbitrary hub records: the compiled grader against one that is written plainly, and records that are broken anywhere."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.checks.hub_structure import mend
from harmonize.datasets.grading import Grader
from harmonize.datasets.specification import dataset_names, load_dataset, read_dataset
from harmonize.hub import hub_json_schema
from tests.naive_grading import naive_grade
from tests.properties.effort import examples
from tests.properties.hub_records import records
from tests.rich_record import RICH

SMALL = read_dataset(Path(__file__).parent.parent / "unit" / "datasets" / "small.yaml")
DATASETS = {"small": SMALL, **{name: load_dataset(name) for name in dataset_names()}}
VALIDATOR = jsonschema_rs.validator_for(hub_json_schema())


@pytest.mark.parametrize("name", DATASETS)
@examples(40)
@given(record=records() | st.just(RICH))
def test_the_compiled_grader_says_what_the_plain_one_says(name: str, record: dict[str, Any]) -> None:
    dataset = DATASETS[name]
    for version in dataset.versions:
        grader = Grader(dataset, version=version)
        compiled = {item.id: word for item, word in grader.statuses(grader.grade(record))}
        assert compiled == naive_grade(record, dataset, version)


@st.composite
def broken_records(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A hub record, and the same with something in one place that the hub does not have there."""
    record = draw(records() | st.just(RICH))
    broken = copy.deepcopy(record)
    place: Any = broken
    while True:
        key = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[key], dict | list) and place[key]) or draw(st.booleans()):
            break
        place = place[key]
    wrong = st.sampled_from([None, 7, "Anna", [], {}, ["Anna"], {"colour": "Anna"}, True, [[[]]]])
    if isinstance(place, dict) and draw(st.booleans()):
        place[draw(st.sampled_from(["colour", "Anna Muster", "value", "codings"]))] = draw(wrong)
    else:
        place[key] = draw(wrong)
    return record, broken


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@examples(150)
@given(pair=broken_records())
def test_what_is_broken_in_one_place_leaves_the_rest_to_be_judged(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    record, broken = pair
    whole = Grader(SMALL)
    before = dict(
        zip([item.id for item in SMALL.items], [word for _, word in whole.statuses(whole.grade(record))], strict=True)
    )
    breaches = [] if VALIDATOR.is_valid(broken) else mend(broken, VALIDATOR.iter_errors(broken))
    grader = Grader(SMALL)
    grade = grader.grade(broken)
    after = {item.id: word for item, word in grader.statuses(grade)}
    assert set(after) == set(before)
    texts = [breach.message + breach.path for breach in breaches] + [
        v.message + v.path for v in grader.violations(broken, grade)
    ]
    assert not any("Anna" in text for text in texts)
    for counts in grader.counts():
        assert sum(counts.records.values()) == 1
