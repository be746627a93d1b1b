"""MultiQC custom content: the counts of the report, and a page of MultiQC itself made of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harmonize.datasets.statuses import COUNTED
from harmonize.report.multiqc import multiqc_files
from harmonize.report.run_report import status_of
from harmonize.report.totals import number_of_findings

MULTIQC = Path(__file__).parents[3] / ".venv-multiqc" / "bin" / "multiqc"


def sections(report: dict[str, Any]) -> dict[str, Any]:
    return {name.removesuffix("_mqc.json"): json.loads(data) for name, data in multiqc_files(report).items()}


def test_numbers_are_those_of_the_report(flawed_report: dict[str, Any]) -> None:
    made = sections(flawed_report)
    (values,) = made["harmonize"]["data"].values()
    assert values["read"] == flawed_report["accounting"]["subjects"]["read"]
    assert values["errors"] == sum(c["findings"]["error"] + c["findings"]["fatal"] for c in flawed_report["checks"]) > 0
    assert values["failed"] == sum(status_of(check) == "failed" for check in flawed_report["checks"]) > 0
    rows = {row["rule"]: row["findings"] for row in made["harmonize_checks"]["data"].values()}
    assert rows == {
        check["rule"]: number_of_findings(check) for check in flawed_report["checks"] if number_of_findings(check)
    }
    items = [item["records"] for found in flawed_report["datasets"] for item in found["items"]]
    assert list(made["harmonize_items"]["data"].values()) == [
        {word: counts[word] for word in COUNTED} for counts in items
    ]


def test_documents_of_others_have_neither_subjects_nor_what_was_not_graded(flawed_report: dict[str, Any]) -> None:
    made = sections({**flawed_report, "accounting": {**flawed_report["accounting"], "subjects": {}}, "datasets": []})
    (values,) = made["harmonize"]["data"].values()
    assert "read" not in values and set(made["harmonize"]["headers"]) == set(values)
    assert "harmonize_items" not in made


@pytest.fixture(scope="module")
def wide_report(flawed_report: dict[str, Any]) -> dict[str, Any]:
    """Every rule has found something, and the items of two data sets are there: every name that lines may have."""
    checks = [{**check, "findings": {**check["findings"], "info": 1}} for check in flawed_report["checks"]]
    datasets = [*flawed_report["datasets"], {**flawed_report["datasets"][0], "dataset": "erdri-cds"}]
    return {**flawed_report, "checks": checks, "datasets": datasets}


@pytest.fixture(scope="module")
def read_by_multiqc(
    wide_report: dict[str, Any], hostile_report: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The output of MultiQC over two reports of different sites, one of them with a name that is markup."""
    if not MULTIQC.exists():
        pytest.skip("MultiQC is not installed in .venv-multiqc; `make test` installs it")
    folder = tmp_path_factory.mktemp("multiqc")
    site = "<script>alert(1)</script>"
    hostile_report = {**hostile_report, "runs": [{**run, "site": site} for run in hostile_report["runs"]]}
    for name, report in (("one", wide_report), ("two", hostile_report)):
        (folder / name).mkdir()
        for file, data in multiqc_files(report).items():
            (folder / name / file).write_bytes(data)
    words = [".", "--outdir", "out", "--strict", "--no-ansi", "--no-version-check", "--data-format", "json"]
    done = subprocess.run([str(MULTIQC), *words], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not [line for line in done.stderr.splitlines() if "warning" in line.lower() and "Strict mode" not in line], (
        done.stderr
    )
    return folder / "out"


def test_multiqc_shows_every_line_of_both_sites(
    read_by_multiqc: Path, wide_report: dict[str, Any], hostile_report: dict[str, Any]
) -> None:
    read = json.loads((read_by_multiqc / "multiqc_data" / "multiqc_data.json").read_text("utf-8"))
    (general,) = read["report_general_stats_data"].values()
    made, other = sections(wide_report), sections(hostile_report)
    (sample,) = made["harmonize"]["data"]
    assert len(general) == 2 and general[sample] == made["harmonize"]["data"][sample]
    raw = read["report_saved_raw_data"]
    for key, name in (
        ("multiqc_harmonize_checks_table", "harmonize_checks"),
        ("multiqc_harmonize_items_plot", "harmonize_items"),
    ):
        lines = made[name]["data"]
        assert {line: raw[key].get(line) for line in lines} == lines
        assert len(raw[key]) == len(lines) + len(other[name]["data"])
    assert len(made["harmonize_checks"]["data"]) == len(wide_report["checks"])


def test_a_site_does_not_become_markup_of_the_page(read_by_multiqc: Path) -> None:
    page = (read_by_multiqc / "multiqc_report.html").read_text("utf-8")
    assert "alert(1)" in page and "<script>alert(1)" not in page
