"""No value of a patient is spoken, logged or written outside of the documents: the small form; `make soak` runs the whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harmonize.checks.documents import validate
from harmonize.convert import Converter
from harmonize.safe_messages import safe_message
from tests import redcap, registry
from tests.hostile_places import ALL_FORMS, DAMAGES, SHAPES, leaves, planted_export, planted_registry, with_leaf
from tests.redcap import make_records, write_export
from tests.registry import ALL_TARGETS, make_registry
from tests.rich_record import RICH, write
from tests.sentinel_plugin import Sentinels, found_in


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    one = Sentinels()
    (tmp_path / "report.json").write_text(one.new())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Sex.csv").write_text(one.new())
    assert len(found_in([f"born {one.new()}"], tmp_path)) == 2


@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
def test_every_field_of_every_format(sentinels: Sentinels, tmp_path: Path, shape: str) -> None:
    sentinels.documents += planted_registry(tmp_path / "in1", sentinels, shape, subjects=5, seed=1)
    form = ALL_FORMS[SHAPES.index(shape) % len(ALL_FORMS)]
    sentinels.documents += planted_export(tmp_path / "in2", sentinels, shape, subjects=5, seed=1, form=form)
    for module, source in ((registry, "in1"), (redcap, "in2")):
        with sentinels.error_path():
            run = module.convert(tmp_path / source, tmp_path / f"out {source}", max_errors="100%")
            sentinels.say(run.outcome.report, run.outcome.manifest)


def test_identifiers_stand_nowhere_not_even_in_documents(sentinels: Sentinels, tmp_path: Path) -> None:
    one, two = sentinels.new(), sentinels.new()
    for path in make_registry(tmp_path / "in1", subjects=6).folder.iterdir():
        path.write_text(path.read_text().replace("DEMO-", one))
    records = make_records(tmp_path / "in2", 6)
    text = json.dumps(records).replace("DEMO-", two).replace("FAMILY-", two).replace("PSEUDO-", two)
    (tmp_path / "in2" / "records.json").write_text(text)
    for module, source in ((registry, "in1"), (redcap, "in2")):
        module.convert(tmp_path / source, tmp_path / f"out {source}")
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.relative_to(tmp_path).parts[0].startswith("in"):
            assert one.encode() not in path.read_bytes() and two.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files(sentinels: Sentinels, tmp_path: Path, damage: str) -> None:
    planted = sentinels.new().encode()
    for table in ("Sex", "Genetic"):
        source = make_registry(tmp_path / f"in {table}", subjects=8)
        source.write_bytes(table, DAMAGES[damage](source.bytes_of(table), planted))
        with sentinels.error_path():
            registry.convert(source.folder, tmp_path / f"out {table}", max_errors="100%")
    for form in ("flat JSON", "EAV CSV"):
        records = make_records(tmp_path / f"in plain {form}", 8)
        path = write_export(records, form, tmp_path / f"in {form}")
        path.write_bytes(DAMAGES[damage](path.read_bytes(), planted))
        with sentinels.error_path():
            redcap.convert(path, tmp_path / f"out {form}", max_errors="100%")


def test_records_in_memory(sentinels: Sentinels) -> None:
    rows = [
        {"pid": sentinels.new(), table: [{column: sentinels.new()}]}
        for table in ("phenotype", "genetic", "consent")
        for column in ("valueIRI", "value", "startdate")
    ]
    converter = Converter("eu/ern-cde", targets=ALL_TARGETS, key=bytes(32))
    for subject in converter.convert([*rows, {"sex": sentinels.new()}, {"pid": {"a": sentinels.new()}}]):
        sentinels.say([finding.as_json() for finding in subject.findings])


def test_messages_of_other_libraries() -> None:
    from fhir.resources.R4B.patient import Patient
    from pydantic import ValidationError

    secret = Sentinels().new()
    with pytest.raises(ValidationError) as error:
        Patient.model_validate({"resourceType": "Patient", "gender": [secret], secret: 1})
    assert secret in str(error.value), "the library does quote"
    assert secret not in safe_message(error.value)


def test_validate_never_quotes(sentinels: Sentinels, tmp_path: Path) -> None:
    documents = [("hub", RICH)] + [
        (target, json.loads(document.line)) for target in ALL_TARGETS[1:] for document in write(target)[0][:6]
    ]
    for target, document in documents:
        for path in list(leaves(document))[::3]:
            sentinels.documents += 1
            file = tmp_path / "in.json"
            file.write_text(json.dumps(with_leaf(document, path, sentinels.new())))
            with sentinels.error_path():
                sentinels.say([finding.as_json() for finding in validate(file, target).findings])


def test_rejects_hold_values_only_on_demand(tmp_path: Path) -> None:
    secret, source = Sentinels().new(), make_registry(tmp_path / "in", subjects=8)
    source.change("Phenotype", lambda rows: rows[0].update(pid="", valueIRI=secret))
    for include, holds in ((False, False), (True, True)):
        registry.convert(source.folder, tmp_path / "out", include_values=include)
        assert (secret in (tmp_path / "out" / "private" / "rejects.ndjson").read_text()) is holds
