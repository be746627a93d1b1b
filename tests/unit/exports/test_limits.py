"""What claims cannot say is said by name, and nothing else is lost with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from harmonize.datasets.grading import Grader
from harmonize.datasets.specification import Dataset, read_dataset
from harmonize.errors import UnknownNameError
from harmonize.exports.claims import NEVER, All, AtMost, IsFilled, Matches
from harmonize.exports.condition_claims import InexpressibleError, condition_claim
from harmonize.exports.demands import Demands, dataset_demands
from harmonize.exports.json_schema import claim_schema, comment, dataset_json_schema
from harmonize.exports.pydantic_models import dataset_models
from harmonize.exports.shacl import dataset_shacl
from tests.unit.exports.small_records import coded, conforming, small

HEAD = """
name: odd
title: Odd
version: "1"
id_prefix: odd
source: made up
licence: CC0-1.0
petals: {cancer: {title: Cancer, applies: "any(diagnoses, filled(morphology))"}}
value_sets: {unit: {title: Units, systems: [UCUM]}}
"""


def dataset(tmp_path: Path, item: dict[str, str], path: str = "samples", more: str = "") -> Dataset:
    fields = {
        "id": "odd:1",
        "class": "Thing",
        "item": "It",
        "slot": "sample_id",
        "level": "conditional",
        "cardinality": "0..1",
        "source": "x",
        **item,
    }
    lines = "".join(f"    {key}: {value!r}\n" for key, value in fields.items()).replace("    id", "  - id", 1)
    text = f"{HEAD}classes: {{Thing: {{path: {path!r}{more}}}}}\nitems:\n{lines}"
    (tmp_path / "odd.yaml").write_text(text, "utf-8")
    return read_dataset(tmp_path / "odd.yaml")


def notes(demands: Demands) -> str:
    return "; ".join(f"{note.id}: {note.text}" for note in demands.notes)


MANY = " and ".join(f"filled(record.{slot})" for slot in ("birth_date", "sex_at_birth", "undiagnosed", "vital_status", "pedigree", "submission", "samples", "variants", "biomarkers"))  # fmt: skip
INEXPRESSIBLE = [
    (MANY, "more than 8 things"),
    ("any(record.diagnoses, filled(morphology) and record.undiagnosed == True)", "looks up from inside of a list"),
    ("record.birth_date == '1985'", "compares objects of PartialDate"),
]


@pytest.mark.parametrize(("condition", "reason"), INEXPRESSIBLE)
@pytest.mark.parametrize("otherwise", ["optional", "ignore", "absent"])
def test_a_condition_that_is_not_expressed(tmp_path: Path, condition: str, reason: str, otherwise: str) -> None:
    made = dataset(tmp_path, {"condition": condition, "otherwise": otherwise, "pattern": "[0-9]+"})
    demands = dataset_demands(made)
    assert "odd:1: its condition is not expressed, nor what hangs on it" in notes(demands) and reason in notes(demands)
    assert "odd:1: its condition" in dataset_json_schema(demands)[
        "$comment"
    ] and "odd:1: its condition" in dataset_shacl(demands)
    judge = jsonschema_rs.validator_for(dataset_json_schema(demands))
    assert judge.is_valid({**conforming(), "samples": [{}]})
    assert judge.is_valid({**conforming(), "samples": [{"sample_id": "x"}]}) is (
        otherwise == "ignore"
    )  # its form is judged all the same


def test_where_a_class_is_not_expressed(tmp_path: Path) -> None:
    where = "samples[any(record.diagnoses, filled(morphology) and record.undiagnosed == True)]"
    demands = dataset_demands(dataset(tmp_path, {"level": "mandatory"}, where, ', required: "true"'))
    assert "Thing: that a record must have one is not expressed" in notes(demands)
    assert jsonschema_rs.validator_for(dataset_json_schema(demands)).is_valid(conforming())


LIMITS = [
    ({"slot": "description", "value_set": "unit"}, "samples", "the value set 'unit' is not expressed: the hub holds string, no code"),
    ({"slot": "collection_date", "pattern": "2.*"}, "samples", "the form is demanded of plain texts only"),
    ({"slot": "processing", "cardinality": "2..n"}, "samples", "of 2..n only that there is one is demanded"),
    ({"slot": "samples/processing", "cardinality": "0..1"}, "", "that there are at most 1 is not expressed"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "path", "said"), LIMITS)
def test_limits(tmp_path: Path, item: dict[str, str], path: str, said: str) -> None:
    demands = dataset_demands(dataset(tmp_path, {"level": "mandatory", **item}, path))
    assert f"odd:1: {said}" in notes(demands) and said in comment(demands)


EXPRESSED: list[tuple[str, Any]] = [
    ("not petal('cancer') or filled(storage_conditions)", {}),
    ("any(relations, holder.origin == 'other' and filled(related_samples))", {"origin": "other", "relations": [{"related_samples": ["a"]}]}),
    ("any(relations, holder.origin == 'other' or relation_description == 'x')", {"origin": "solid_tumor_primary", "relations": [{"relation_description": "x"}]}),
    ("system(type, 'NCIT', 'OBI') and False", {"type": coded("NCIT:C1")}),
    ("system(type, 'NCIT', 'OBI')", {"type": coded("NCIT:C1")}),
    ("any(record.diagnoses, role != 'comorbidity')", {}),
    ("comes_from('samples') and not (petal('cancer') and origin in ['other'])", {}),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "sample"), EXPRESSED, ids=lambda value: value if isinstance(value, str) else "")
def test_conditions_that_are(tmp_path: Path, condition: str, sample: Any) -> None:
    made = dataset(tmp_path, {"condition": condition})
    demands = dataset_demands(made)
    assert demands.notes == () and comment(demands).endswith("Everything that it demands is expressed.")
    judge, grader = jsonschema_rs.validator_for(dataset_json_schema(demands)), Grader(made)
    tumour = [{"disease": coded("ORPHA:558"), "morphology": coded("ICDO3:8140/3")}]
    for extra in ({}, {"sample_id": "s"}):
        for diagnoses in (conforming()["diagnoses"], tumour, [{**tumour[0], "role": "comorbidity"}]):
            record = {**conforming(), "diagnoses": diagnoses, "samples": [{**sample, **extra}, {}]}
            assert judge.is_valid(record) == (not list(grader.violations(record, grader.grade(record))))


def test_names_that_are_wrong() -> None:
    for arguments in ({"level": "high"}, {"petals": ["cancr"]}, {"version": "3.0"}):
        with pytest.raises(UnknownNameError):
            dataset_demands(small(), **arguments)
    with pytest.raises(UnknownNameError):
        dataset_models(small(), level="high")


def test_claims_in_json_schema() -> None:
    assert claim_schema(NEVER) == {"not": {}}
    assert claim_schema(AtMost("a", IsFilled(), 2)) == {
        "properties": {"a": {"contains": {"pattern": r"\S"}, "minContains": 0, "maxContains": 2}}
    }
    assert claim_schema(All((Matches("a"), Matches("b")))) == {"allOf": [{"pattern": "^(a)$"}, {"pattern": "^(b)$"}]}


def test_what_is_not_settled_is_no_claim() -> None:
    from harmonize.datasets.conditions import ComesFrom

    with pytest.raises(InexpressibleError, match="ComesFrom is not settled"):
        condition_claim(ComesFrom(("samples",)), "Sample", {})
