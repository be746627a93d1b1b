"""Samples as Specimens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rich_record import code, coded
from tests.unit.writers.fhir.test_r4 import losses, resources

DERIVED, ALIQUOT, MATCHED = ({"text": word} for word in ("Derived", "aliquot", "Matched"))


@pytest.mark.parametrize(
    ("relation", "parents", "lost"),
    [
        ({"relation_type": DERIVED, "related_samples": ["a"]}, 1, set()),
        ({"relation_type": ALIQUOT, "related_samples": ["a"], "relation_description": "half"}, 1, set()),
        ({"relation_type": DERIVED, "related_samples": ["a", "elsewhere"]}, 1, {("related_samples", "dropped")}),
        ({"relation_type": DERIVED, "related_samples": ["b"]}, 0, {("related_samples", "dropped")}),  # itself
        ({"relation_type": MATCHED, "related_samples": ["a"]}, 0, {("*", "dropped")}),
        ({"related_samples": ["a"]}, 0, {("*", "dropped")}),
    ],
)
def test_parents(relation: dict[str, Any], parents: int, lost: set[tuple[str, str]]) -> None:
    samples = [{"sample_id": "b", "relations": [relation]}, {"sample_id": "a"}]
    child, parent = resources("Specimen", samples=samples)
    assert child.get("parent", []) == [{"reference": f"Specimen/{parent['id']}"}] * parents
    assert losses(samples=samples) == lost


def test_how_a_sample_was_taken_and_processed() -> None:
    biopsy, frozen, fixed = (coded(code(f"NCIT:C{number}")) for number in (15189, 63521, 143028))
    (made,) = resources("Specimen", samples=[{"extraction_technique": biopsy, "processing": [frozen, fixed]}])
    assert made["collection"]["method"]["coding"][0]["code"] == "C15189"
    assert [step["procedure"]["coding"][0]["code"] for step in made["processing"]] == ["C63521", "C143028"]
