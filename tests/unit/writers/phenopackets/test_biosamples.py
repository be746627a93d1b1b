"""Samples as Biosamples."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rich_record import code, coded, day
from tests.unit.writers.test_phenopackets import losses, packet

T, N = coded(code("SNOMEDCT:1228889001")), coded(code("SNOMEDCT:1229967007"))


def written(concept: dict[str, Any]) -> dict[str, str]:
    curie = concept["codings"][0]["code"]
    return {"id": curie, "label": curie}


DERIVED, MATCHED = {"text": "Derived"}, {"text": "Matched"}
AGE = {"age": {"iso8601duration": "P13Y"}}
# (slots of a sample, elements of the biosample, losses)
SAMPLES: list[tuple[dict[str, Any], dict[str, Any], set[tuple[str, str]]]] = [
    ({"organism": coded(code("NCIT:C14225"), code("NCBITAXON:9606", origin="mapped"))}, {"taxonomy": {"id": "NCBITAXON:9606", "label": "NCBITAXON:9606"}}, set()),
    ({"age_at_collection": "P13Y"}, {"timeOfCollection": AGE}, set()),
    ({"age_at_collection": "P13Y", "collection_date": day("2003")}, {"timeOfCollection": AGE}, {("collection_date", "dropped")}),
    ({"age_at_collection": "P13Y", "collection_date": day("2003-04-05")},
     {"timeOfCollection": {"timestamp": "2003-04-05T00:00:00Z"}}, {("age_at_collection", "dropped")}),
    *(({"pathological_state": coded(code(f"NCIT:{state}"))}, {"tumorProgression": {"id": f"NCIT:{state}", "label": f"NCIT:{state}"}}, set())
      for state in ("C8509", "C3261", "C4798", "C3677", "C84509", "C95606", "C4813")),
    *(({"pathological_state": coded(code(f"NCIT:{state}"))}, {"materialSample": {"id": f"NCIT:{state}", "label": f"NCIT:{state}"}}, set())
      for state in ("C162623", "C172259")),
    ({"extraction_technique": T}, {"procedure": {"code": written(T)}}, set()),
    ({"processing": [T], "storage_conditions": [N]}, {"sampleProcessing": written(T), "sampleStorage": written(N)}, set()),
    ({"processing": [T, N], "storage_conditions": [{"text": "x"}]},
     {"sampleProcessing": written(T)}, {("processing", "coarsened"), ("storage_conditions", "dropped")}),
    ({"description": "a block"}, {"description": "a block"}, set()),
    ({"relations": [{"relation_type": DERIVED, "related_samples": ["b"]}]}, {"derivedFromId": "b"}, set()),
    ({"relations": [{"relation_type": DERIVED, "related_samples": ["b", "c"]}]}, {"derivedFromId": "b"}, {("related_samples", "dropped")}),
    ({"relations": [{"relation_type": DERIVED, "related_samples": ["a"]}]}, {}, {("related_samples", "dropped")}),
    ({"relations": [{"relation_type": MATCHED, "related_samples": ["b"]}]}, {}, {("*", "dropped")}),
]  # fmt: skip


@pytest.mark.parametrize(("slots", "elements", "lost"), SAMPLES)
def test_biosamples(slots: dict[str, Any], elements: dict[str, Any], lost: set[tuple[str, str]]) -> None:
    samples = [{"sample_id": "a", **slots}]
    assert packet(samples=samples)["biosamples"] == [{"id": "a", "individualId": "s", **elements}]
    assert set(losses(samples=samples)) == lost
