"""Complete reports: what is built, that shards add up to the bytes of one run, and what is new between two of them."""

from __future__ import annotations

import copy
import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

from harmonize.checks.catalogue import rules
from harmonize.errors import CallError
from harmonize.report.building import ReportRequest, build_report
from harmonize.report.comparison import compared
from harmonize.report.merging import merged
from harmonize.report.report_file import read_report, report_bytes, report_schema, write_report
from harmonize.report.run_report import status_of
from scripts.generate_report_schema import generate
from tests.registry import Registry, Run, convert, make_registry

ALL = ReportRequest(datasets=("hmd", "erdri-cds"), judge=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("report") / "registry", 40)


@pytest.fixture(scope="module")
def run(source: Registry) -> Run:
    return convert(source.folder, source.folder.parent / "out")


@pytest.fixture(scope="module")
def report(run: Run) -> dict[str, Any]:
    return build_report(run.folder, ALL)


def test_the_schema_is_that_of_the_model() -> None:
    assert generate() == json.dumps(report_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def test_a_run_and_what_is_built_of_it_keep_the_schema(run: Run, report: dict[str, Any], tmp_path: Path) -> None:
    write_report(tmp_path / "report.json", report)
    assert read_report(tmp_path / "report.json") == report
    assert read_report(run.folder)["datasets"] == []  # of the run alone
    assert [check["rule"] for check in report["checks"]] == sorted(rules())


def test_what_nobody_looked_at_has_not_passed(run: Run, report: dict[str, Any]) -> None:
    def status(of: dict[str, Any], rule: str) -> str:
        return status_of(next(check for check in of["checks"] if check["rule"] == rule))

    of_run = read_report(run.folder)
    for rule, stage in (
        ("target.fhir-r4-schema", "judged"),
        ("dataset.code", "graded"),
        ("mapping.set-cycle", "never"),
    ):
        assert status(of_run, rule) == "not-checked", rule
        assert (status(report, rule) == "not-checked") == (stage == "never"), rule
    assert status(of_run, "source.date") != "not-checked"


def test_items_and_groups_add_up(report: dict[str, Any]) -> None:
    for found in report["datasets"]:
        years = [group for group in found["groups"] if group["kind"] == "year"]
        assert sum(year["records"] for year in years) == found["records"] - found["unreadable"]
        assert len(years) > 3
        for item in found["items"]:
            assert sum(item["records"].values()) == found["records"] - found["unreadable"]
            for word, number in item["records"].items():
                assert sum(year["items"][item["id"]].get(word, 0) for year in years) == number
        of_rules = {c["rule"]: sum(c["findings"].values()) for c in report["checks"] if c["family"] == "dataset"}
        assert all(of_rules[name] >= number for name, number in found["rules"].items())


def test_a_subject_counts_once_whatever_number_of_data_sets_it_falls_short_of(run: Run) -> None:
    def subjects(*names: str) -> int:
        made = build_report(run.folder, ReportRequest(datasets=names))
        return int(next(c["subjects"] for c in made["checks"] if c["rule"] == "dataset.mandatory-missing"))

    one, other, both = subjects("hmd"), subjects("erdri-cds"), subjects("hmd", "erdri-cds")
    assert max(one, other) <= both <= run.counts["subjects"]["converted"] < one + other


def test_shards_add_up_to_the_bytes_of_one_run(source: Registry, tmp_path: Path) -> None:
    """A registry cut by subject; every table is in every part, so that the names of the files are the same."""
    tables = [path.stem for path in source.folder.glob("*.csv")]
    subjects = sorted({row["pid"] for table in tables for row in source.rows(table)})
    parts = []
    for number in range(3):
        part = tmp_path / f"part-{number}"
        part.mkdir()
        for path in sorted(source.folder.glob("*.csv")):
            write_part(path, part / path.name, set(subjects[number::3]))
        made = build_report(convert(part, tmp_path / f"out-{number}").folder, ALL)
        parts.append(made)
    whole = build_report(convert(source.folder, tmp_path / "whole").folder, ALL)
    one = without_rows_and_inputs(whole)
    left = merged([merged(parts[:2]), parts[2]])
    right = merged([parts[0], merged(parts[1:])])
    shuffled = parts[:]
    random.Random(3).shuffle(shuffled)
    assert report_bytes(left) == report_bytes(right) == report_bytes(merged(shuffled))
    assert without_rows_and_inputs(left) == one


def write_part(whole: Path, part: Path, subjects: set[str]) -> None:
    with whole.open(newline="", encoding="utf-8") as read, part.open("w", newline="", encoding="utf-8") as written:
        rows = csv.DictReader(read)
        writer = csv.DictWriter(written, rows.fieldnames or ())
        writer.writeheader()
        writer.writerows(row for row in rows if row["pid"] in subjects)


def without_rows_and_inputs(report: dict[str, Any]) -> bytes:
    """Without what the cut into files changes itself: digests, rows of examples, and documents that each run writes once (Group)."""
    made = copy.deepcopy(report)
    made["runs"] = [{**run, "inputs": []} for run in made["runs"]]
    made["documents"] = {}
    for check in made["checks"]:
        check["examples"] = []
        stages = rules()[check["rule"]].stages
        if "fhir-r4" in stages:
            check["checked"] = check["sites"] = None
        is_of_set = "conversion" not in stages and {"hub", "phenopackets"} & set(stages)
        if is_of_set or check["rule"] == "completeness.empty-column":  # over the whole set: no sum of parts
            check["notes"] = check["findings"] = check["sites"] = None
    return report_bytes(made)


def test_a_report_that_stands_twice_is_refused(report: dict[str, Any]) -> None:
    with pytest.raises(CallError, match="twice"):
        merged([report, copy.deepcopy(report)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no report"),
        ("[]", "no report"),
        ('{"schema_version": "9.0"}', "schema_version '9.0'"),
        ('{"schema_version": "1.0"}', "2.0"),
        ('{"schema_version": "2.0", "runs": 3}', "breaks the schema"),
    ],
)
def test_what_is_no_report_of_this_version_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(CallError, match=message):
        read_report(tmp_path)


def test_documents_of_others_are_reported_without_an_account(run: Run, tmp_path: Path) -> None:
    for name in ("hub", "fhir-r4", "phenopackets"):
        made = build_report(run.folder / name, ReportRequest(datasets=("erdri-cds",), site="elsewhere"), name)
        write_report(tmp_path / f"{name}.json", made)
        assert read_report(tmp_path / f"{name}.json")["runs"][0]["profile"] == {}
        assert made["accounting"]["subjects"] == {} and made["datasets"][0]["format"] == name
        checked = {check["rule"] for check in made["checks"] if check["checked"]}
        assert "terms.unknown" in checked and "source.date" not in checked


@pytest.mark.parametrize("judged", ["hub", "phenopackets", "run"])
def test_what_is_found_of_a_set_is_counted_once(run: Run, report: dict[str, Any], judged: str) -> None:
    """No rule finds more records than there are, whether one format of a set is judged or several."""
    nothing = ReportRequest(datasets=())
    made = report if judged == "run" else build_report(run.folder / judged, nothing, judged)
    checks = {check["rule"]: check for check in made["checks"]}
    converted = report["accounting"]["subjects"]["converted"]
    samples = checks["completeness.no-sample"]
    assert samples["checked"] == converted
    assert sum(samples["findings"].values()) == samples["subjects"] == samples["notes"][0]["count"] <= converted
    unknown = checks["terms.not-checked"]
    if judged != "run":
        assert sum(unknown["findings"].values()) == len(unknown["notes"]) and unknown["subjects"] == 0


def test_changes_between_two_reports(report: dict[str, Any]) -> None:
    def with_findings(rule: str, number: int) -> dict[str, Any]:
        made = copy.deepcopy(report)
        for check in made["checks"]:
            if check["rule"] == rule:
                check.update(findings={**check["findings"], "warning": number}, subjects=number, checked=40)
        return made

    def change(before: int, after: int) -> str:
        found = compared(with_findings("source.date", before), with_findings("source.date", after))
        return next((one.change for one in found if one.name == "source.date"), "nothing")

    pairs = [(0, 3), (3, 0), (3, 3), (3, 5), (5, 3)]
    assert [change(*pair) for pair in pairs] == ["new", "resolved", "persisting", "grown", "shrunk"]
    assert all(one.change in ("persisting", "not-compared") for one in compared(report, report))
