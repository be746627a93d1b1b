"""The command line after the contract: verbs, answers for scripts, exit codes, options from environment and file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.registry import Registry, make_registry


class Done(NamedTuple):
    code: int
    out: str
    err: str


def harmonize(*arguments: object, cwd: Path | None = None, **environment: str) -> Done:
    """Run the command line as a process."""
    import os

    command = [sys.executable, "-m", "harmonize", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment})
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "node.key"
    assert harmonize("key", "new", path).code == 0
    return path


@pytest.fixture
def small(tmp_path: Path) -> Registry:
    return make_registry(tmp_path / "small", subjects=8)


def convert(source: Path, out: Path, key: Path, *more: object, **environment: str) -> Done:
    arguments = ("convert", source, "--profile", "eu/ern-cde", "--to", "hub", "--out", out, "--pseudonym-key", key)
    return harmonize(*arguments, *more, **environment)


def test_key_is_private_and_never_overwritten(key: Path) -> None:
    assert key.stat().st_mode & 0o777 == 0o600
    again = harmonize("key", "new", key)
    assert again.code == 2 and "To mend it" in again.err


def test_convert_prints_nothing_on_stdout_but_json(small: Registry, tmp_path: Path, key: Path) -> None:
    done = convert(small.folder, tmp_path / "out", key)
    assert done.code == 0 and done.out == "" and "8 read" in done.err
    told = convert(small.folder, tmp_path / "out", key, "--json", "--quiet")
    assert json.loads(told.out)["status"] == "complete" and told.err == ""
    assert key.read_text().strip() not in told.out + (tmp_path / "out" / "manifest.json").read_text()


def test_a_run_needs_a_key(small: Registry, tmp_path: Path) -> None:
    done = harmonize("convert", small.folder, "--profile", "eu/ern-cde", "--to", "hub", "--out", tmp_path / "out")
    assert done.code == 2 and "harmonize key new" in done.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--profile", "eu/ern-cd"), "Did you mean 'eu/ern-cde'"),
        (("--to", "beacon"), "'beacon' is not available"),
        (("--to", "fhir-r3"), "Did you mean 'fhir-r4'"),
        (("--to", ""), "no target"),
        (("--consent", "maybe"), "none of require, record"),
        (("--engine", "spark"), "--engine spark is not available"),
        (("--layout", "files"), "--layout files is not available"),
        (("--memory", "much"), "--memory is no amount of memory"),
        (("--recorded", "yesterday"), "RFC 3339"),
        (("--recorded", "2026-01-31T12:00:00"), "no time zone"),
        (("--max-errors", "many"), "neither a number nor a percentage"),
        (("--jobs", "0"), "--jobs"),
        (("--pseudonym-key", "/no/such/key"), "key"),
        (("--out", "/proc/nothing"), "cannot write"),
    ],
)
def test_wrong_calls_exit_2(small: Registry, tmp_path: Path, key: Path, more: tuple[str, ...], message: str) -> None:
    done = convert(small.folder, tmp_path / "out", key, *more)
    assert done.code == 2, done.err
    assert message in done.err and "Traceback" not in done.err


def test_unreadable_input_exits_3(small: Registry, tmp_path: Path, key: Path) -> None:
    assert convert(tmp_path / "nowhere", tmp_path / "out", key).code == 3
    small.write_bytes("Sex", small.bytes_of("Sex").replace(b",", b"\t"))
    done = convert(small.folder, tmp_path / "out", key)
    assert done.code == 3 and "Sex.csv" in done.err and not (tmp_path / "out" / "manifest.json").exists()


def test_too_many_rejects_exit_3_and_say_partial(small: Registry, tmp_path: Path, key: Path) -> None:
    small.change("Phenotype", lambda rows: [row.update(pid="") for row in rows] and None)
    done = convert(small.folder, tmp_path / "out", key)
    assert done.code == 3 and "--max-errors" in done.err
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["status"] == "partial"
    assert convert(small.folder, tmp_path / "out2", key, "--max-errors", "100%").code == 0


def test_strict_exits_1(small: Registry, tmp_path: Path, key: Path) -> None:
    small.change("Birthdate", lambda rows: rows[0].update(value="none"))
    assert convert(small.folder, tmp_path / "out", key).code == 0
    assert convert(small.folder, tmp_path / "out", key, "--strict").code == 1


def test_limit_skips_and_counts(small: Registry, tmp_path: Path, key: Path) -> None:
    done = convert(small.folder, tmp_path / "out", key, "--limit", "3", "--json", "--consent", "record")
    assert json.loads(done.out)["counts"]["subjects"] == {"read": 8, "converted": 3, "rejected": 0, "skipped": 5}


def test_options_from_environment_and_file(small: Registry, tmp_path: Path, key: Path) -> None:
    (tmp_path / "harmonize.toml").write_text('site = "from-file"\n[convert]\nlimit = 2\n')
    arguments = ("convert", "small", "--profile", "eu/ern-cde", "--to", "hub", "--out", "out", "--json")
    told = harmonize(*arguments, cwd=tmp_path, HARMONIZE_PSEUDONYM_KEY=str(key))
    manifest = json.loads(told.out)
    assert manifest["site"] == "from-file" and manifest["counts"]["subjects"]["skipped"] >= 6
    told = harmonize(
        *arguments, "--limit", "4", cwd=tmp_path, HARMONIZE_PSEUDONYM_KEY=str(key), HARMONIZE_SITE="from-environment"
    )
    manifest = json.loads(told.out)
    assert manifest["site"] == "from-environment" and manifest["counts"]["subjects"]["skipped"] >= 4
    (tmp_path / "harmonize.toml").write_text("colour = 1\n")
    wrong = harmonize("doctor", cwd=tmp_path)
    assert wrong.code == 2 and "colour" in wrong.err


def test_a_second_run_replaces_the_first_and_nothing_else(small: Registry, tmp_path: Path, key: Path) -> None:
    out = tmp_path / "out"
    assert convert(small.folder, out, key, "--to", "hub,fhir-r4").code == 0
    assert harmonize("report", "build", out).code == 0
    assert convert(small.folder, out, key).code == 0
    assert not (out / "fhir-r4").exists() and not (out / "report.md").exists()
    (out / "mine.txt").write_text("precious")
    done = convert(small.folder, out, key)
    assert done.code == 2 and (out / "mine.txt").read_text() == "precious"


def test_source_date_epoch_is_the_clock(small: Registry, tmp_path: Path, key: Path) -> None:
    done = convert(small.folder, tmp_path / "out", key, "--json", SOURCE_DATE_EPOCH="1767225600")
    assert json.loads(done.out)["recorded"] == "2026-01-01T00:00:00Z"


ANSWERS: list[tuple[tuple[str, ...], Any]] = [
    (("profiles", "list"), [{"id", "title", "version", "reader", "targets"}]),
    (("terminology", "list"), [{"system", "version", "concepts", "licence", "sha256"}]),
    (("terminology", "lookup", "HP:0001250"), {"status", "code", "label", "system", "version", "candidates"}),
    (("terminology", "translate", "SNOMEDCT:248152002", "--to", "BIRTHSEX"), {"status", "source", "targets"}),
    (("explain", "--list"), [{"rule", "family", "severity", "title"}]),
]


@pytest.mark.parametrize(
    ("verb", "shape"), ANSWERS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_answers_for_scripts(verb: tuple[str, ...], shape: Any) -> None:
    done = harmonize(*verb, "--json")
    answer = json.loads(done.out)
    assert done.code == 0
    for item in answer if isinstance(shape, list) else [answer]:
        assert (shape[0] if isinstance(shape, list) else shape) <= set(item)


def test_profiles_check_answer() -> None:
    answer = json.loads(harmonize("profiles", "check", "eu/ern-cde", "--json").out)
    assert set(answer) == {"id", "slots", "cases", "problems"} and set(answer["slots"]) == {
        "mapped",
        "left_out",
        "unaccounted",
    }
    assert answer["cases"]["failed"] == 0 and answer["problems"] == []


@pytest.mark.parametrize(
    ("code", "status", "exit_code"),
    [
        ("HP:0001250", "found", 0),
        ("HP:0410382", "replaced", 0),
        ("HP:0000489", "obsolete", 0),
        ("HP:9999999", "unknown", 1),
        ("ATC:A01", "not-checked", 0),
    ],
)
def test_lookup_statuses(code: str, status: str, exit_code: int) -> None:
    done = harmonize("terminology", "lookup", code, "--json")
    assert (json.loads(done.out)["status"], done.code) == (status, exit_code)


def test_validate_says_which_folders_it_does_not_read(tmp_path: Path) -> None:
    for folder in (tmp_path / "deep", tmp_path):
        folder.mkdir(exist_ok=True)
        (folder / "Patient.ndjson").write_text('{"resourceType":"Patient","id":"a"}\n')
    done = harmonize("validate", tmp_path, "--as", "fhir-r4")
    assert done.out.startswith("1 documents") and "not read" in done.err and "deep" in done.err
    assert "not read" not in harmonize("validate", tmp_path / "deep", "--as", "fhir-r4").err
    assert "deep" in harmonize("validate", tmp_path, "--as", "hmd").err


def test_validate_answer_and_exit_codes(small: Registry, tmp_path: Path, key: Path) -> None:
    assert convert(small.folder, tmp_path / "out", key, "--to", "fhir-r4,phenopackets").code == 0
    done = harmonize("validate", tmp_path / "out", "--as", "fhir-r4", "--json")
    answer = json.loads(done.out)
    assert done.code == 0 and answer["records"] > 8 and {"records", "items", "findings"} <= set(answer)
    (tmp_path / "bad.json").write_text('{"resourceType": "Patient", "gender": "man"}')
    assert harmonize("validate", tmp_path / "bad.json", "--as", "fhir-r4").code == 1
    assert harmonize("validate", tmp_path / "nothing", "--as", "fhir-r4").code == 2
    assert harmonize("validate", tmp_path / "bad.json", "--as", "hmd").code == 1
    assert harmonize("validate", tmp_path, "--as", "hmd@9").code == 2
    assert harmonize("validate", tmp_path, "--as", "fhir-r9").code == 2


def test_options_of_data_sets_are_for_data_sets(tmp_path: Path) -> None:
    (tmp_path / "packet.json").write_text('{"id": "a", "subject": {"id": "b", "sex": "MALE"}, "metaData": {}}')
    call = ("validate", tmp_path / "packet.json", "--as", "phenopackets", "--json")
    plain = harmonize(*call)
    assert harmonize(*call, "--level", "optional").code == 2
    assert harmonize(*call, HARMONIZE_LEVEL="optional", HARMONIZE_PETAL="cancer") == plain
    asked = ("validate", tmp_path / "packet.json", "--as", "goe", "--json")
    assert json.loads(harmonize(*asked, HARMONIZE_LEVEL="optional").out)["level"] == "optional"


def test_trace_shows_values_only_with_the_input(small: Registry, tmp_path: Path, key: Path) -> None:
    convert(small.folder, tmp_path / "out", key, "--to", "hub,fhir-r4,phenopackets", "--consent", "record")
    record = json.loads((tmp_path / "out" / "hub" / "subjects.ndjson").read_text().splitlines()[0])
    arguments = ("trace", tmp_path / "out", "--subject", record["subject_id"], "--json")
    blind = json.loads(harmonize(*arguments, "--path", "/birth_date").out)
    assert [(o["file"], o["column"]) for o in blind] == [("Birthdate.csv", "value")] and "value" not in blind[0]
    seen = json.loads(harmonize(*arguments, "--path", "/birth_date", "--input", small.folder).out)
    assert seen[0]["value"] == record["birth_date"]["value"]
    target = json.loads(harmonize(*arguments, "--path", "phenopackets:/phenotypicFeatures/0/type").out)
    assert target[0]["path"] == "/phenotypic_features/0/type" and target[0]["file"] == "Phenotype.csv"
    patient = json.loads(harmonize(*arguments, "--path", f"fhir-r4:/Patient/{record['subject_id']}").out)
    assert "/birth_date" in {origin["path"] for origin in patient}
    for path in (
        "fhir-r4:/Observation",
        "fhir-r4:/Nothing/x",
        "fhir-r4:",
        "beacon:/x",
        "/nothing",
        "/phenotypic_features/999",
        "phenopackets:/nothing",
    ):
        wrong = harmonize(*arguments, "--path", path)
        assert (wrong.code == 2 and "To mend it" in wrong.err) or "no such" in wrong.err or "wrote no" in wrong.err, (
            path,
            wrong,
        )
    everything = json.loads(harmonize(*arguments).out)
    assert all(_there(record, origin["path"]) for origin in everything) and len(everything) > 10
    assert harmonize("trace", tmp_path / "out", "--subject", "nobody").code == 2


def _there(record: Any, path: str) -> bool:
    for part in path.split("/")[1:]:
        record = record[int(part)] if isinstance(record, list) else record[part]
    return record is not None


def test_explain_and_report(small: Registry, tmp_path: Path, key: Path) -> None:
    assert "To mend" in harmonize("explain", "terms.obsolete").out.replace("to mend it", "To mend it")
    assert harmonize("explain", "terms.obsolet").code == 2 and harmonize("explain").code == 2
    convert(small.folder, tmp_path / "out", key)
    done = harmonize("report", "build", tmp_path / "out")
    assert (
        done.code == 0
        and "subjects" in done.out
        and (tmp_path / "out" / "report.md").read_text().startswith("# Conformance report")
    )
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!doctype html>")
    assert harmonize("report", "build", tmp_path / "out", "--formats", "junit").code == 0
    assert (tmp_path / "out" / "junit.xml").is_file()
    assert harmonize("report", "build", tmp_path / "out", "--formats", "jnuit").code == 2
    assert harmonize("report", "build", tmp_path).code == 2


def test_version_and_doctor() -> None:
    import harmonize as package

    assert harmonize("--version").out.strip() == f"harmonize {package.__version__}"
    answer = json.loads(harmonize("doctor", "--json").out)
    assert answer["profiles"] == [
        "de/obds",
        "eu/ern-cde",
        "intl/hmd-template",
        "intl/omop-5.4",
        "intl/redcap-rdcdm",
    ] and all(answer["packages"].values())


def test_interruption_leaves_with_130_and_no_manifest(tmp_path: Path, key: Path) -> None:
    import os
    import signal
    import time

    registry = make_registry(tmp_path / "big", subjects=4000)
    arguments = [
        "convert",
        registry.folder,
        "--profile",
        "eu/ern-cde",
        "--to",
        "hub,fhir-r4",
        "--out",
        tmp_path / "out",
        "--pseudonym-key",
        key,
    ]
    command = [sys.executable, "-m", "harmonize", *map(str, arguments)]

    def heed_interruption() -> None:
        """A shell that starts pytest in the background makes its children deaf to SIGINT."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interruption)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "out").rglob("Patient.ndjson.0000.part")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in error and "interrupted" in error
    left = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert left and all(p.suffix == ".part" or p.name == "checkpoint.json" for p in left), left


@pytest.mark.parametrize(
    ("words", "code", "said"), [("terminology lookup HP:0001250", 0, "Seizure"), ("terminology lookup HP", 2, "")]
)
def test_a_caller_who_closed_stderr_is_told_nothing_there_and_nothing_else(words: str, code: int, said: str) -> None:
    """What was meant for stderr must not come out on stdout, where a program reads."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "{sys.executable}" -m harmonize.cli.main {words} 2>&-'],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code and (said in done.stdout if said else done.stdout == "")
