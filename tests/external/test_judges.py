"""Outside judges of what we write: fhir.resources, HL7's JSON Schema, pyrofile-validator, protobuf. No error from any of them."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.registry import Run, convert, make_registry
from tests.rich_record import rich_run
from tests.shared_data import ERN

PYROFILE = Path(__file__).parents[2] / ".venv-pyrofile" / "bin" / "python"


@pytest.fixture(scope="module", params=["samples", "synthetic", "rich"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The shared samples, a synthetic registry, and a record that fills every slot of the hub."""
    folder = tmp_path_factory.mktemp("judged")
    if request.param == "rich":
        return rich_run(folder / "out")
    if request.param == "synthetic":
        return convert(make_registry(folder / "in", subjects=150, seed=11).folder, folder / "out")
    if not ERN.exists():
        pytest.skip(f"needs {ERN}, which is not on this machine")
    return convert(ERN / "samples", folder / "out")


def resources(run: Run) -> list[dict[str, Any]]:
    made = [
        document
        for file in sorted((run.folder / "fhir-r4").glob("*.ndjson"))
        for document in run.lines(f"fhir-r4/{file.name}")
    ]
    assert len(made) > 5
    return made


def test_fhir_resources_r4b(run: Run) -> None:
    for resource in resources(run):
        kind = resource["resourceType"]
        model = getattr(importlib.import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
        model.model_validate(resource)


def test_hl7_json_schema(run: Run) -> None:
    path = Path(__file__).parents[2] / "harmonize" / "checks" / "fhir.schema.r4.json.gz"
    definitions = json.loads(gzip.decompress(path.read_bytes()))["definitions"]
    validators: dict[str, Any] = {}
    for resource in resources(run):
        kind = resource["resourceType"]
        if kind not in validators:
            validators[kind] = jsonschema_rs.validator_for(
                {"$ref": f"#/definitions/{kind}", "definitions": definitions}
            )
        assert [str(error.instance_path) for error in validators[kind].iter_errors(resource)] == []


def test_pyrofile_validator(run: Run, tmp_path: Path, shared: Callable[[str], Path]) -> None:
    if not PYROFILE.exists():
        pytest.skip("pyrofile-validator is not installed in .venv-pyrofile; `make test` installs it")
    package = r4_package(shared("targets/fhir-r4"), tmp_path / "package")
    (tmp_path / "resources.ndjson").write_text(
        "".join(json.dumps(resource) + "\n" for resource in distinct(resources(run)))
    )
    script = Path(__file__).with_name("pyrofile_judge.py")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [
        str(PYROFILE),
        str(script),
        str(tmp_path / "resources.ndjson"),
        str(package),
        str(tmp_path / "verdict.json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    assert verdict["judged"] > 5
    assert verdict["errors"] == []


def distinct(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most forty resources of each shape: this judge takes milliseconds for each."""
    shapes: dict[tuple[Any, ...], int] = {}
    kept = []
    for resource in made:
        shape = (resource["resourceType"], *sorted(resource))
        shapes[shape] = shapes.get(shape, 0) + 1
        if shapes[shape] <= 40:
            kept.append(resource)
    return kept


def r4_package(source: Path, package: Path) -> Path:
    """The reduced R4 definitions as a package folder, one resource a file."""
    package.mkdir()
    (package / "package.json").write_text(
        json.dumps({"name": "hl7.fhir.r4.core", "version": "4.0.1", "fhirVersions": ["4.0.1"]})
    )
    for file in sorted(source.glob("*.json.gz")):
        body = json.loads(gzip.decompress(file.read_bytes()))
        for entry in body if isinstance(body, list) else body.get("entry", ()):
            resource = entry.get("resource", entry)
            if "id" in resource and "resourceType" in resource:
                (package / f"{resource['resourceType']}-{resource['id']}.json").write_text(json.dumps(resource))
    base = json.loads((package / "StructureDefinition-Extension.json").read_text())
    for name, contexts in MCODE_EXTENSIONS.items():
        definition = mcode_extension(base, name, contexts)
        (package / f"StructureDefinition-{name}.json").write_text(json.dumps(definition))
    return package


# mCODE 4.0.0, SD_Extensions.fsh: the contexts; the value is one CodeableConcept, 1..1, in both.
MCODE_EXTENSIONS = {
    "mcode-histology-morphology-behavior": ("Condition",),
    "mcode-procedure-intent": ("Procedure", "MedicationAdministration", "DomainResource"),
}


def mcode_extension(base: dict[str, Any], name: str, contexts: tuple[str, ...]) -> dict[str, Any]:
    """The definition of an extension of mCODE, of which we write the facts: the guide is not at hand as a package."""
    made: dict[str, Any] = json.loads(json.dumps(base))
    url = f"http://hl7.org/fhir/us/mcode/StructureDefinition/{name}"
    made.update(id=name, url=url, name=name, derivation="constraint")
    made.update(baseDefinition="http://hl7.org/fhir/StructureDefinition/Extension")
    made["context"] = [{"type": "element", "expression": context} for context in contexts]
    elements = {element["path"]: element for element in made["snapshot"]["element"]}
    elements["Extension.url"]["fixedUri"] = url
    elements["Extension.extension"]["max"] = "0"
    elements["Extension.value[x]"].update(min=1, type=[{"code": "CodeableConcept"}])
    return made


def test_protobuf_gives_the_same_document_back(run: Run) -> None:
    from google.protobuf.json_format import MessageToDict, ParseDict
    from phenopackets.schema.v2.phenopackets_pb2 import Family, Phenopacket

    packets = run.lines("phenopackets/phenopackets.ndjson")
    assert packets
    for packet in packets:
        assert MessageToDict(ParseDict(packet, Phenopacket())) == packet
    for family in run.lines("phenopackets/families.ndjson"):
        assert MessageToDict(ParseDict(family, Family())) == family


def test_our_own_checks_find_no_structural_error(run: Run) -> None:
    from harmonize.checks.documents import validate

    for target in ("hub", "fhir-r4", "phenopackets"):
        rules = {rule for rule in validate(run.folder, target).counts if rule.startswith(("target.", "hub."))}
        assert rules == set(), target


def test_no_null_no_empty_object_no_empty_array(run: Run) -> None:
    for file in (run.folder / "fhir-r4").glob("*.ndjson"):
        text = file.read_text()
        assert "null" not in text and "[]" not in text and "{}" not in text


def test_every_reference_resolves_and_every_resource_has_a_source(run: Run) -> None:
    made = resources(run)
    known = {f"{resource['resourceType']}/{resource['id']}" for resource in made}
    assert len(known) == len(made), "ids are unique"
    for resource in made:
        assert resource["meta"]["source"] and resource["meta"]["security"][0]["code"] == "PSEUDED"
        for reference in references(resource):
            assert reference in known


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [found for item in value.values() for found in references(item)]
    return [found for item in value for found in references(item)] if isinstance(value, list) else []


def test_judges_condemn_what_is_wrong() -> None:
    """A judge that accepts everything is none."""
    from fhir.resources.R4B.observation import Observation
    from google.protobuf.json_format import ParseDict, ParseError
    from phenopackets.schema.v2.phenopackets_pb2 import Phenopacket
    from pydantic import ValidationError

    with pytest.raises(ValidationError):
        Observation.model_validate({"resourceType": "Observation", "status": "final"})
    with pytest.raises(ParseError):
        ParseDict({"nickname": "x"}, Phenopacket())
