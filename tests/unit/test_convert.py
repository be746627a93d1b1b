"""Converting: consent, clock, account, records in memory, a failure of our own."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from harmonize import Converter
from harmonize.errors import CallError, HarmonizeError
from harmonize.writers.phenopackets.v2 import PhenopacketsWriter
from tests.registry import ALL_TARGETS, Registry, convert, write_registry

OBO = "http://purl.obolibrary.org/obo/"
SEX = f"{OBO}NCIT_C16576"


def consent(value: str, iri: str = f"{OBO}DUO_0000042") -> dict[str, list[dict[str, str]]]:
    return {"Sex": [{"pid": "1", "valueIRI": SEX}], "Consent": [{"pid": "1", "value": value, "valueIRI": iri}]}


@pytest.mark.parametrize(
    ("tables", "mode", "status"),
    [
        (consent("true"), "require", "converted"),
        (consent("false"), "require", "skipped"),
        (consent("false"), "record", "converted"),
        (consent(" FALSE "), "require", "skipped"),
        (consent("no", "DUO:0000042"), "require", "skipped"),
        (consent("false", "https://purl.obolibrary.org/obo/DUO_0000042"), "require", "skipped"),
        (consent("false", ""), "require", "skipped"),  # a refusal of everything
        (consent("perhaps"), "require", "skipped"),  # what cannot be read is no consent
        (consent("perhaps"), "record", "converted"),
        (consent("false", f"{OBO}OBIB_0000488"), "require", "converted"),  # being contacted is not the reuse of data
        ({"Sex": [{"pid": "1", "valueIRI": SEX}]}, "require", "converted"),
        (
            {"Sex": [{"pid": "1", "valueIRI": SEX}], "Status": [{"pid": "1", "valueIRI": f"{OBO}NCIT_C124784"}]},
            "require",
            "skipped",
        ),
    ],
)
def test_consent(tmp_path: Path, tables: Any, mode: str, status: str) -> None:
    run = convert(write_registry(tmp_path / "in", tables).folder, tmp_path / "out", consent=mode)
    assert run.counts["subjects"][status] == 1
    assert len(run.lines("hub/subjects.ndjson")) == (status == "converted")
    if status == "skipped":
        assert all(counts["read"] == counts["skipped"] for counts in run.counts["rows"].values())
        assert {f["rule"] for f in run.findings(info=True)} & {"privacy.consent-refused", "privacy.consent-unreadable"}
    if mode == "record" and tables["Consent"][0]["value"] == "false":
        assert run.lines("fhir-r4/Consent.ndjson")[0]["policyRule"]["coding"][0]["code"] == "OPTOUT"


def test_only_the_given_instant_is_shown(registry: Registry, tmp_path: Path) -> None:
    import datetime as dt

    before = dt.datetime.now(dt.UTC)
    run = convert(registry.folder, tmp_path / "out")
    hours = {before.strftime("%Y-%m-%dT%H"), dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H")}
    for path in run.folder.rglob("*"):
        assert not path.is_file() or not any(hour in path.read_text() for hour in hours), path


def test_the_manifest_says_what_made_it(registry: Registry, tmp_path: Path) -> None:
    import hashlib

    run = convert(registry.folder, tmp_path / "out")
    manifest = run.outcome.manifest
    assert (
        manifest["profile"]["id"] == "eu/ern-cde"
        and len(manifest["profile"]["sha256"]) == 64
        and len(manifest["key_id"]) == 8
    )
    for entry in manifest["inputs"]:
        assert entry["sha256"] == hashlib.sha256((registry.folder / entry["file"]).read_bytes()).hexdigest()
    import json

    written = json.loads((run.folder / "manifest.json").read_text())["files"]
    for name, known in written.items():
        data = (run.folder / name).read_bytes()
        assert known["sha256"] == hashlib.sha256(data).hexdigest() and known["lines"] == data.count(b"\n"), name


def test_private_is_private(registry: Registry, tmp_path: Path) -> None:
    run = convert(registry.folder, tmp_path / "out")
    assert (run.folder / "private").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (run.folder / "private").iterdir()} == {0o600}


def test_every_loss_of_a_writer_is_a_finding_and_in_the_account(registry: Registry, tmp_path: Path) -> None:
    run = convert(registry.folder, tmp_path / "out", consent="record")
    losses = [
        f for f in run.findings(info=True) if f["rule"] == "target.not-held" and f["target"]["format"] == "fhir-r4"
    ]
    assert all(f["source"]["row"] and f["message"] for f in losses)


def test_a_failure_of_ours_rejects_one_subject_and_says_where(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = PhenopacketsWriter.documents
    seen = []

    def fails_on_the_third(self: Any, record: Any, log: Any) -> Any:
        seen.append(record["subject_id"])
        if record["subject_id"] == seen[min(len(seen) - 1, 2)] and len(seen) > 2:  # each time that it is tried
            raise ValueError(f"a value of {record['birth_date']}")
        return write(self, record, log)

    monkeypatch.setattr(PhenopacketsWriter, "documents", fails_on_the_third)
    run = convert(registry.folder, tmp_path / "out", consent="record")
    assert run.counts["subjects"] == {"read": 40, "converted": 39, "rejected": 1, "skipped": 0}
    (finding,) = [f for f in run.findings() if f["rule"] == "internal.error"]
    assert (
        finding["subject"] == seen[2]
        and finding["message"].startswith("ValueError")
        and "19" not in finding["message"].split(" at ")[0]
    )
    assert seen[2] not in (run.folder / "hub" / "subjects.ndjson").read_text()


def test_converter_in_memory() -> None:
    converter = Converter("eu/ern-cde", targets=["hub", "phenopackets"], key=bytes(32), recorded="2026-01-01T00:00:00Z")
    record = {
        "pid": "1",
        "sex": {"valueIRI": SEX},
        "phenotype": [{"valueIRI": f"{OBO}HP_0001250"}, {"valueIRI": "nonsense"}],
    }
    good, refused, empty = converter.convert(
        [record, {"pid": "2", "consent": [{"value": "false", "valueIRI": f"{OBO}DUO_0000042"}]}, {"pid": "3"}]
    )
    assert good.status == "converted" and good.record is not None and len(good.record["phenotypic_features"]) == 1
    assert "source.code" in {finding.rule for finding in good.findings}
    assert refused.status == "skipped" and refused.record is None and refused.documents == {}
    assert empty.status == "converted"
    again = pickle.loads(pickle.dumps(converter))
    assert next(again.convert([record])).documents == good.documents


def test_records_in_memory_are_read_as_rows_are() -> None:
    """The same person has the same pseudonym, and a text that stands for no value is none, whichever way the record comes."""
    converter = Converter("eu/ern-cde", targets=["hub"], key=bytes(32))
    plain, spaced = converter.convert(
        [{"pid": "1"}, {"pid": " 1 ", "sex": {"valueIRI": "NA"}, "phenotype": [{"valueIRI": "N/A"}]}]
    )
    assert plain.record is not None and spaced.record is not None
    assert dict(plain.record) == dict(spaced.record)
    assert [finding.rule for finding in spaced.findings] == [finding.rule for finding in plain.findings]


@pytest.mark.parametrize("status", ["active", None, "inactive", "rejected", "entered-in-error", "proposed", "draft"])
def test_only_a_consent_in_force_is_one(status: str | None) -> None:
    from harmonize.convert.consent import ConsentAnswer, consent_answer
    from harmonize.hub.objects import hub_object
    from harmonize.profiles.notes import SubjectLog

    consent = {"purpose": "data_reuse", "decision": "permit", **({"status": status} if status else {})}
    answer = consent_answer(hub_object({"subject_id": "x", "consents": [consent]}), SubjectLog())
    expected = {"active": "stated", None: "stated", "inactive": "refused", "rejected": "refused"}
    assert answer is ConsentAnswer(expected.get(status, "not-stated"))


@pytest.mark.parametrize("wrong", ["no input", "no target", "empty input"])
def test_a_call_that_is_refused_leaves_the_earlier_run(registry: Registry, tmp_path: Path, wrong: str) -> None:
    run = convert(registry.folder, tmp_path / "out")
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    (tmp_path / "empty").mkdir()
    source = {"no input": tmp_path / "nowhere", "empty input": tmp_path / "empty"}.get(wrong, registry.folder)
    with pytest.raises(HarmonizeError):
        convert(source, tmp_path / "out", targets=("fhir-r3",) if wrong == "no target" else ALL_TARGETS)
    assert {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()} == before
    with pytest.raises(HarmonizeError):
        convert(tmp_path / "nowhere", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"pid": None},
        {"pid": ""},
        {"pid": 7},
        {"pid": "1", "sex": "F"},
        {"pid": "1", "phenotype": {"a": 1}},
        {"pid": ["1"]},
        {"who": "?"},
    ],
)
def test_records_of_the_wrong_shape_are_rejected_with_a_finding(record: Any) -> None:
    (subject,) = Converter("eu/ern-cde", key=bytes(32)).convert([record])
    assert subject.status == "rejected" and subject.findings and subject.record is None


def test_converter_is_told_what_is_wrong_with_its_call() -> None:
    with pytest.raises(CallError, match="256 bits"):
        Converter("eu/ern-cde", key=b"short")
    with pytest.raises(CallError, match="consent"):
        Converter("eu/ern-cde", key=bytes(32), consent="maybe")
    with pytest.raises(CallError, match="fhir-r3"):
        list(Converter("eu/ern-cde", targets=["fhir-r3"], key=bytes(32)).convert([{"pid": "1"}]))


def test_a_failure_while_judging_loses_one_subject_and_no_sum(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harmonize.convert.engine import Engine

    judge = Engine.judge
    seen = []

    def fails_on_the_fourth(self: Any, record: Any) -> Any:
        seen.append(record["subject_id"])
        if record["subject_id"] == seen[min(len(seen) - 1, 3)] and len(seen) > 3:  # each time that it is tried
            raise KeyError("a value")
        return judge(self, record)

    monkeypatch.setattr(Engine, "judge", fails_on_the_fourth)
    run = convert(registry.folder, tmp_path / "out", consent="record")
    assert run.counts["subjects"] == {"read": 40, "converted": 39, "rejected": 1, "skipped": 0}
    assert len(run.lines("hub/subjects.ndjson")) == len(run.lines("fhir-r4/Patient.ndjson")) == 39
    assert run.lines("fhir-r4/Group.ndjson")[0]["quantity"] == 39


def test_every_lost_value_has_a_finding_that_names_its_cell_column_or_object(
    registry: Registry, tmp_path: Path
) -> None:
    """A loss of a whole object names the first of its cells, so that the others are found by its file."""
    run = convert(registry.folder, tmp_path / "out", consent="record")
    findings = run.findings(info=True)
    for target, columns in run.counts["values"].items():
        for column, counts in columns.items():
            file, _, name = column.partition("/")
            here = [f for f in findings if (f.get("source") or {}).get("file") == file]
            for outcome in ("dropped", "coarsened", "rejected", "unmapped"):
                said = [f for f in here if f["outcome"] == outcome]
                exact = [f for f in said if f["source"]["column"] == name or f["rule"] == "target.not-held"]
                assert not counts[outcome] or exact, (target, column, outcome)


def test_what_a_record_in_memory_loses_is_said() -> None:
    converter = Converter("eu/ern-cde", targets=["hub", "fhir-r4", "phenopackets"], key=bytes(32))
    record = {"pid": "1", "first_visit": {"value": "1998-06-01"}, "sexx": {"valueIRI": SEX}}
    (subject,) = converter.convert([record])
    said = {(f.rule, f.target, f.path) for f in subject.findings}
    assert ("target.declared-loss", "phenopackets", "Subject.first_contact_date") in said
    assert ("target.declared-loss", "fhir-r4", "Subject.first_contact_date") in said
    assert any(rule == "source.unknown-column" for rule, _, _ in said)
