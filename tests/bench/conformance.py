"""Grading by a data set, beside what else checks records against LinkML: pydantic models and linkml-validate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from harmonize.checks.conformance import conformance
from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.datasets.grading import Grader
from harmonize.datasets.specification import load_dataset
from harmonize.hub import hub_json_schema
from tests.bench.result import Result, best, in_turns
from tests.registry import KEY, RECORDED, make_registry

SUBJECTS = 2_000
FEW = 100
"""Records that linkml-validate is given: it takes a hundredth of a second for each."""


def hub_file(folder: Path) -> Path:
    """Hub records of a synthetic rare-disease registry: the typical record, 3.5 kB of JSON."""
    registry = make_registry(folder / "graded", subjects=SUBJECTS, seed=7)
    settings = Settings("eu/ern-cde", ("hub",), KEY, "bench", consent="record", recorded=RECORDED)
    convert_files(settings, RunOptions((registry.folder,), folder / "graded-out"))
    return folder / "graded-out" / "hub" / "subjects.ndjson"


def bench_conformance(folder: Path) -> Iterator[Result]:
    """Records a second that are graded by HMD, schema check included; the whole verb; the ratio to the two others."""
    from linkml.validator import Validator
    from linkml.validator.plugins import JsonschemaValidationPlugin

    from harmonize.hub.generated.models import Subject

    file = hub_file(folder)
    records: list[dict[str, Any]] = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    schema_of_hub = jsonschema_rs.validator_for(hub_json_schema())
    grader = Grader(load_dataset("hmd"))

    def ours() -> None:
        for record in records:
            assert schema_of_hub.is_valid(record)
            grader.grade(record)

    def pydantic() -> None:
        for record in records:
            Subject.model_validate(record)

    graded, modelled = in_turns(ours, pydantic, rounds=5)
    schema = str(Path(__file__).parents[2] / "harmonize" / "hub" / "schema" / "hub.yaml")
    validator = Validator(schema, validation_plugins=[JsonschemaValidationPlugin(closed=True)])
    assert not validator.validate(records[0], "Subject").results
    linkml = best(lambda: [validator.validate(record, "Subject") for record in records[:FEW]], 3) / FEW
    whole = best(lambda: conformance(file, "hmd"), 3)
    rate = len(records) / graded
    figure = (
        f"{rate:,.0f} records a second ({linkml * rate:.0f} times linkml-validate, {modelled / graded:.1f} times pydantic, "
        "which know no levels)"
    )
    yield Result("grading by HMD, 121 items", figure, ">= 20,000", rate >= 20_000)
    yield Result(
        "validate --as hmd, reading included", f"{len(records) / whole:,.0f} records a second", "printed", True
    )
