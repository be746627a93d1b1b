"""No value of a patient is spoken, logged or written outside of the documents: sentinels in every field, on every error path."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonize.checks.documents import validate
from harmonize.convert import Converter
from harmonize.safe_messages import safe_message
from tests.registry import ALL_TARGETS, Registry, convert
from tests.rich_record import RICH
from tests.sentinels import Planted, convert_and_collect, listening, plant_everywhere, plant_subject, sentinel


def test_the_search_finds_what_is_there() -> None:
    planted = Planted([sentinel(1)], spoken=f"a birth date: {sentinel(1)}", files={"report.json": sentinel(1).encode()})
    assert len(planted.leaks()) == 2


@pytest.mark.parametrize(
    "shape", ["{}", "http://purl.obolibrary.org/obo/HP_{}", "1990-{}", '"{}', "{}\0", "P{}", "HP:{}", " {} "]
)
def test_every_field_of_every_table(registry: Registry, tmp_path: Path, shape: str) -> None:
    planted = plant_everywhere(registry, shape)
    assert len(planted.sentinels) > 70
    convert_and_collect(registry, tmp_path / "out", planted)
    assert planted.leaks() == []


def test_the_identifier_of_a_subject_stands_nowhere_not_even_in_documents(registry: Registry, tmp_path: Path) -> None:
    planted = plant_subject(registry)
    convert_and_collect(registry, tmp_path / "out", planted)
    assert planted.leaks() == []
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or planted.sentinels[0].encode() not in path.read_bytes(), path


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off in quotes": lambda data: data + b'"' + sentinel(0).encode(),
    "ragged": lambda data: data + sentinel(0).encode() + b"," + sentinel(0).encode() + b"\n",
    "latin-1": lambda data: data + sentinel(0).encode() + b"\xe4,\n",
    "header": lambda data: sentinel(0).encode() + b"," + data,
    "no header": lambda data: data.split(b"\n", 1)[1].replace(b"DEMO", sentinel(0).encode()),
    "delimiter": lambda data: data.replace(b",", b";").replace(b"DEMO", sentinel(0).encode()),
    "one line": lambda data: data.replace(b"\n", sentinel(0).encode()),
    "utf-16": lambda data: (sentinel(0) + data.decode()).encode("utf-16"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("table", ["Sex", "Phenotype", "Genetic"])
def test_damaged_files(registry: Registry, tmp_path: Path, damage: str, table: str) -> None:
    planted = Planted([sentinel(0)])
    registry.write_bytes(table, DAMAGES[damage](registry.bytes_of(table)))
    convert_and_collect(registry, tmp_path / "out", planted)
    if damage == "header":
        # The header of a file names its columns; a damaged one is the only place from which text is quoted.
        planted.spoken, planted.files = "", {}
    assert planted.leaks() == []


def test_records_in_memory() -> None:
    planted = Planted([sentinel(5)])
    rows = [
        {"pid": sentinel(5), table: [{column: sentinel(5)}]}
        for table in ("phenotype", "genetic", "consent")
        for column in ("valueIRI", "value", "startdate")
    ]
    converter = Converter("eu/ern-cde", targets=ALL_TARGETS, key=bytes(32))
    with listening(planted):
        for subject in converter.convert([*rows, {"sex": sentinel(5)}, {"pid": {"a": sentinel(5)}}]):
            planted.spoken += str([finding.as_json() for finding in subject.findings])
    assert planted.leaks() == []


def test_messages_of_other_libraries() -> None:
    from fhir.resources.R4B.patient import Patient
    from pydantic import ValidationError

    secret = sentinel(9)
    with pytest.raises(ValidationError) as error:
        Patient.model_validate({"resourceType": "Patient", "gender": [secret], secret: 1})
    assert secret in str(error.value), "the library does quote"
    assert secret not in safe_message(error.value)


def documents() -> list[tuple[str, dict[str, object]]]:
    """Documents with a sentinel in place of each leaf, one at a time."""
    patient = {
        "resourceType": "Patient",
        "id": "a",
        "gender": "male",
        "birthDate": "1990-01-01",
        "name": [{"family": "x"}],
    }
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1-1"}]},
        "subject": {"reference": "Patient/a"},
    }
    packet = {
        "id": "1",
        "subject": {"id": "1", "sex": "MALE"},
        "phenotypicFeatures": [{"type": {"id": "HP:0001250", "label": "Seizure"}}],
        "metaData": {"created": "2020-01-01T00:00:00Z", "createdBy": "x", "resources": []},
    }
    made = []
    for target, document in (("fhir-r4", patient), ("fhir-r4", observation), ("phenopackets", packet), ("hub", RICH)):
        text = json.dumps(document)
        for leaf in sorted(set(_leaves(document))):
            changed = text.replace(json.dumps(leaf), json.dumps(sentinel(3)))
            made.append((target, json.loads(changed)))
    return made  # fmt: skip


def _leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value] if isinstance(value, str) else []


def test_validate_never_quotes(tmp_path: Path) -> None:
    planted = Planted([sentinel(3)])
    for number, (target, document) in enumerate(documents()):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(document))
        with listening(planted):
            result = validate(path, target)
            planted.spoken += str([finding.as_json() for finding in result.findings])
    assert planted.leaks() == []


def test_rejects_hold_values_only_on_demand(registry: Registry, tmp_path: Path) -> None:
    registry.change("Phenotype", lambda rows: rows[0].update(pid="", valueIRI=sentinel(4)))
    for include, holds in ((False, False), (True, True)):
        convert(registry.folder, tmp_path / "out", include_values=include)
        assert (sentinel(4) in (tmp_path / "out" / "private" / "rejects.ndjson").read_text()) is holds
