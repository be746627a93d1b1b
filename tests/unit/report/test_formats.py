"""`report build --formats`: every format by its name, the files that a run owns, and exit codes that formats do not change."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from harmonize.cli import report as cli
from harmonize.output_folder import REPORTS
from harmonize.report.formats import FORMATS
from harmonize.report.report_file import read_report
from tests.hostile.run_cli import harmonize
from tests.registry import Registry, Run, convert, make_registry

ALL = ",".join(FORMATS)


@pytest.fixture
def run(flawed_run: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(flawed_run.folder, tmp_path / "run"))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_command_line_knows_the_formats_that_are() -> None:
    assert tuple(FORMATS) == cli.FORMATS


def test_all_formats_write_what_a_run_owns(run: Path, tmp_path: Path) -> None:
    before = files(run)
    done = harmonize("report", "build", run, "--formats", ALL)
    assert done.code == 0, done.err
    made = files(run) - before
    assert made == REPORTS
    assert sorted(line.removeprefix(f"written: {run}/") for line in done.err.splitlines()) == sorted(
        {*made, "report.json"}
    )
    for name in made:
        mode = stat.S_IMODE((run / name).stat().st_mode)
        assert mode == (0o600 if name.startswith("private/") else 0o644), name
    again = {name: (run / name).read_bytes() for name in made}
    assert harmonize("report", "build", run, "--formats", ALL).code == 0
    assert again == {name: (run / name).read_bytes() for name in made}
    convert(make_registry(tmp_path / "registry", 3).folder, run)
    assert not made & files(run)


def test_no_value_and_no_identifier_of_the_source_is_in_any_of_them(run: Path, flawed_run: Run) -> None:
    registry = Registry(flawed_run.folder.parent / "registry")
    tables = [path.stem for path in registry.folder.glob("*.csv")]
    values = {row["pid"] for table in tables for row in registry.rows(table)} - {""}
    values |= {row["value"] for row in registry.rows("Birthdate")} - {""}
    assert len(values) > 40
    harmonize("report", "build", run, "--formats", ALL)
    for name in REPORTS:
        text = (run / name).read_text("utf-8")
        assert "nonsense" not in text, name
        assert not [value for value in values if value in text], name


def test_reports_go_to_out_and_leave_the_run_as_it_was(run: Path, tmp_path: Path) -> None:
    before = {name: (run / name).read_bytes() for name in files(run)}
    assert (
        harmonize("report", "build", run, "--formats", "csv,operation-outcome,prov", "--out", tmp_path / "made").code
        == 0
    )
    assert files(tmp_path / "made") == {
        "report.json",
        "checks.csv",
        "items.csv",
        "prov.ttl",
        "private/operationoutcome.ndjson",
    }
    assert stat.S_IMODE((tmp_path / "made" / "private").stat().st_mode) == 0o700
    assert before == {name: (run / name).read_bytes() for name in files(run)}


def test_documents_of_others_have_every_format_but_that_of_findings(run: Path, tmp_path: Path) -> None:
    words = (
        "report",
        "build",
        run / "fhir-r4",
        "--as",
        "fhir-r4",
        "--site",
        "here",
        "--out",
        tmp_path / "made",
        "--formats",
    )
    assert harmonize(*words, ALL).code == 2 and not (tmp_path / "made").exists()
    done = harmonize(*words, ",".join(name for name in FORMATS if name != "operation-outcome"))
    assert done.code == 0, done.err
    assert files(tmp_path / "made") == REPORTS - {"private/operationoutcome.ndjson"} | {"report.json"}


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--fail-on", "error"), 1), (("--fail-on", "fatal"), 0)])
def test_formats_change_no_exit_code_and_are_written_when_it_fails(
    run: Path, words: tuple[str, ...], code: int
) -> None:
    assert harmonize("report", "build", run, "--formats", "junit,sarif", *words).code == code
    assert {"junit.xml", "results.sarif"} <= files(run)


def test_sarif_has_the_states_since_the_baseline(run: Path, tmp_path: Path) -> None:
    old = read_report(run)
    for check in old["checks"]:
        if check["rule"] == "source.code":
            check.update(findings=dict.fromkeys(check["findings"], 0), subjects=0)
    (tmp_path / "old.json").write_text(json.dumps(old))
    words = ("--formats", "sarif", "--baseline", tmp_path / "old.json", "--datasets", "none", "--fail-on", "new")
    assert harmonize("report", "build", run, *words).code == 1
    results = json.loads((run / "results.sarif").read_text())["runs"][0]["results"]
    states = {result["ruleId"]: result.get("baselineState") for result in results}
    assert states["source.code"] == "new" and states["source.no-subject-id"] == "unchanged"


def test_a_file_that_cannot_be_written_is_said(run: Path) -> None:
    (run / "junit.xml").mkdir()
    done = harmonize("report", "build", run, "--formats", "junit")
    assert done.code == 2 and "the report format junit cannot be written" in done.err and "To mend it" in done.err
    assert not list(run.glob("*.part"))
