"""harmonize as a validator of a GDI node: the job, the verdicts and the description after the contract."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from harmonize.checks.gdi_validator import MESSAGES, schema
from tests.rich_record import RICH
from tests.shared_data import SHARED
from tests.unit.cli.test_cli import Done, harmonize

INSTANT = "2026-01-15T09:00:00Z"
EPOCH = "1768467600"
SENTINEL = "Zyxanna"
POOR = {"schema_version": RICH["schema_version"], "subject_id": "a"}
SICK = {**POOR, "sex_at_birth": SENTINEL, "birth_date": {"value": SENTINEL, "precision": "day"}}
CONTRACT = SHARED / "minimal-datasets" / "gdi-validator" / "gdi-validator-contract.md"


def check(name: str, document: Any) -> None:
    jsonschema_rs.validator_for(schema(name), validate_formats=True).validate(document)


def write(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


class Node:
    """The folders of a job: its data, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.job, self.out = folder, folder / "input.json", folder / "result.json"

    def run(self, job: Any) -> tuple[Done, dict[str, Any]]:
        self.job.write_text(job if isinstance(job, str) else json.dumps(job))
        done = harmonize("gdi-validate", "--input", self.job, "--output", self.out, SOURCE_DATE_EPOCH=EPOCH)
        result = json.loads(self.out.read_text())
        check("result", result)
        assert done.out == "" and "Traceback" not in done.err
        assert result["result"] == ("failed" if done.code else "passed")
        for file in result["files"]:
            errors = [message for message in file["messages"] if message["level"] == "error"]
            assert (file["result"] == "failed") == bool(errors)
        return done, result

    def files(self, *paths: Path, **config: Any) -> tuple[Done, dict[str, Any]]:
        return self.run({"files": [{"path": str(path)} for path in paths], **({"config": config} if config else {})})


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_the_description_keeps_to_the_contract(tmp_path: Path) -> None:
    done = harmonize("gdi-validate", "--describe", "--input", tmp_path / "absent", "--output", tmp_path / "out")
    described = json.loads(done.out)
    check("description", described)
    assert done.code == 0 and not (tmp_path / "out").exists()
    assert described["mode"] == "file" and described["version"] in harmonize("--version").out


def test_each_file_has_its_verdict(node: Node) -> None:
    good, bad = write(node.folder / "good.ndjson", RICH), write(node.folder / "bad.ndjson", RICH, SICK)
    done, result = node.files(good, bad, profile="hub")
    assert done.code == 1 and [file["result"] for file in result["files"]] == ["passed", "failed"]
    assert [file["path"] for file in result["files"]] == [str(good), str(bad)]
    text = json.dumps(result)
    assert "line 2, /sex_at_birth" in text and SENTINEL not in text + done.err
    assert {message["time"] for file in result["files"] for message in file["messages"]} == {INSTANT}
    assert node.files(good, profile="hub")[0].code == 0


def test_the_data_set_is_hmd_where_nothing_is_said(node: Node) -> None:
    done, result = node.files(write(node.folder / "poor.json", POOR))
    assert done.code == 1 and "judged as hmd" in result["messages"][0]["message"]
    assert any("mandatory-missing" in message["message"] for message in result["files"][0]["messages"])


def test_core_petals_and_level_decide_what_is_missing(node: Node) -> None:
    poor = write(node.folder / "poor.ndjson", POOR)

    def missing(**config: Any) -> int:
        messages = node.files(poor, **config)[1]["files"][0]["messages"]
        return int(re.match(r"1 records were read, (\d+) findings", messages[0]["message"])[1])

    core = missing(profile="hmd-core")
    assert core == missing(profile="hmd", petals=[]) < missing(profile="hmd", petals=["cancer"])
    assert core < missing(profile="hmd-core", level="optional")


def test_same_input_same_bytes(node: Node) -> None:
    bad = write(node.folder / "bad.ndjson", SICK)
    first = node.files(bad)[1], node.out.read_bytes()
    assert (node.files(bad)[1], node.out.read_bytes()) == first


def test_other_formats_and_packed_files(node: Node) -> None:
    patient = {"resourceType": "Patient", "id": "a", "gender": "mael"}
    packed = node.folder / "patients.ndjson.gz"
    packed.write_bytes(gzip.compress(json.dumps(patient).encode()))
    done, result = node.files(packed, profile="fhir-r4")
    assert done.code == 1 and "/gender" in json.dumps(result)


def test_many_findings_are_cut_and_counted(node: Node) -> None:
    done, result = node.files(write(node.folder / "many.ndjson", *([SICK] * MESSAGES)), profile="hub")
    messages = result["files"][0]["messages"]
    assert done.code == 1 and len(messages) == MESSAGES + 2
    number = int(messages[0]["message"].split(", ")[1].split()[0])
    assert messages[-1]["message"].startswith(f"{number - MESSAGES} more findings are not written here")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.ndjson", None, "there is no such file"),
        ("empty.ndjson", b"", "there is no record in it"),
        ("cut.ndjson.gz", gzip.compress(b"{}" * 5000, mtime=0)[:30], "cannot be read to its end"),
        ("reads.vcf", b"{}", "no file of this validator"),
    ],
)
def test_a_file_that_cannot_be_read_has_failed_and_the_others_are_judged(
    node: Node, name: str, content: bytes | None, message: str
) -> None:
    path = node.folder / name
    if content is not None:
        path.write_bytes(content)
    for profile in ("hub", "hmd"):
        done, result = node.files(path, write(node.folder / "good.ndjson", RICH), profile=profile)
        assert done.code == 3 and len(result["files"]) == 2
        assert message in result["files"][0]["messages"][-1]["message"]


FILE = {"files": [{"path": "x.ndjson"}]}


@pytest.mark.parametrize(
    ("job", "code", "message"),
    [
        ("{", 3, "no JSON"),
        ('{"files": [], "files": []}', 3, "names a member twice"),
        ("[" * 100_000, 3, "no JSON"),
        ('{"files": NaN}', 3, "no JSON"),
        ([], 2, "must be of JSON type object"),
        ({}, 2, "either `files` or `paths`"),
        ({**FILE, "paths": ["x"]}, 2, "either `files` or `paths`"),
        ({"files": []}, 2, "the array is empty"),
        ({"files": ["x.ndjson"]}, 2, "/files/0: it must be of JSON type object"),
        ({"files": [{"path": "x.ndjson", "size": 3}]}, 2, "no element size"),
        ({"files": [{"path": "x\0.ndjson"}]}, 2, "holds a NUL"),
        ({**FILE, "mode": "file"}, 2, "no element mode"),
        ({"paths": ["x"]}, 2, "mode file-structure) is not available"),
        ({**FILE, "config": {"profil": "hmd"}}, 2, "no element profil"),
        ({**FILE, "config": {"level": "all"}}, 2, "none of mandatory, optional, recommended"),
        ({**FILE, "config": {"profile": "hmdd"}}, 2, "Did you mean 'hmd'"),
        ({**FILE, "config": {"profile": "hmd@9"}}, 2, "hmd"),
        ({**FILE, "config": {"profile": "beacon"}}, 2, "beacon is not available"),
        ({**FILE, "config": {"petals": ["cancr"]}}, 2, "Did you mean 'cancer'"),
        ({**FILE, "config": {"profile": "hmd-core", "petals": ["cancer"]}}, 2, "has no petals"),
        ({**FILE, "config": {"profile": "hub", "level": "optional"}}, 2, "are for data sets"),
    ],
)
def test_a_job_that_is_not_clear_is_refused_in_the_result(node: Node, job: Any, code: int, message: str) -> None:
    data = write(node.folder / "x.ndjson", RICH)
    if isinstance(job, dict) and job.get("files") == FILE["files"]:
        job = {**job, "files": [{"path": str(data)}]}
    done, result = node.run(job)
    assert done.code == code and result["files"] == [] and len(result["messages"]) == 1
    assert result["messages"][0]["level"] == "error" and message in result["messages"][0]["message"]
    assert result["messages"][0]["message"] in done.err


def test_no_job_is_a_failed_result(node: Node) -> None:
    done = harmonize("gdi-validate", "--input", node.folder / "absent.json", "--output", node.out)
    assert done.code == 3 and json.loads(node.out.read_text())["result"] == "failed"


def test_nothing_is_overwritten(node: Node) -> None:
    data = write(node.folder / "x.json", RICH)
    job = node.folder / "job.json"
    for config in ({}, {"config": {"profile": "hmdd"}}):
        job.write_text(json.dumps({"files": [{"path": str(data)}], **config}))
        before = data.read_bytes(), job.read_bytes()
        for out in (data, job):
            done = harmonize("gdi-validate", "--input", job, "--output", out)
            assert done.code == 2 and "give --output another file" in done.err
        assert before == (data.read_bytes(), job.read_bytes())
    nowhere = harmonize("gdi-validate", "--input", job, "--output", node.folder / "absent" / "result.json")
    assert nowhere.code == 2 and "cannot be written" in nowhere.err


def test_the_examples_of_the_contract_keep_to_our_schema() -> None:
    if not CONTRACT.is_file():
        pytest.skip(f"{CONTRACT} is absent")
    examples = [json.loads(text) for text in re.findall(r"`(\{\".*\})`", CONTRACT.read_text())]
    assert len(examples) == 2
    check("job", examples[0])
    check("result", examples[1])
