"""A run with flaws and its report, for the tests of what reports are written as."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harmonize.report.building import ReportRequest, build_report
from tests.registry import Run, convert, make_registry

PAYLOADS = [
    json.loads(line)["text"]
    for line in (Path(__file__).parents[2] / "hostile" / "payloads.jsonl").read_text("utf-8").splitlines()
]


@pytest.fixture(scope="session")
def flawed_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("flawed")
    registry = make_registry(folder / "registry", 30)

    def spoil(rows: list[dict[str, str]]) -> None:
        rows[0]["pid"] = ""
        rows[1]["valueIRI"] = "nonsense"
        rows[2]["Colour"] = "x"

    registry.change("Phenotype", spoil)
    return convert(registry.folder, folder / "out")


@pytest.fixture(scope="session")
def flawed_report(flawed_run: Run) -> dict[str, Any]:
    """It has rules that failed, warned, noted and passed, and rules that nobody looked at."""
    return build_report(flawed_run.folder, ReportRequest(datasets=("hmd",)))


@pytest.fixture(scope="session")
def hostile_report(flawed_report: dict[str, Any]) -> dict[str, Any]:
    """The same with every text that others write replaced by what breaks out of formats. Half characters are in no report: JSON is UTF-8."""
    made = copy.deepcopy(flawed_report)
    texts = iter([text for text in PAYLOADS if not re.search("[\ud800-\udfff]", text)] * 200)
    _replace(made, lambda: next(texts) + "\ufffe\x00")
    return made


def _replace(report: dict[str, Any], text: Callable[[], str]) -> None:
    site = text()
    for run in report["runs"]:
        run["site"] = site
        for file in run["inputs"]:
            file["file"] = text()
    for found in report["datasets"]:
        found["groups"][0]["name"] = site
    for check in report["checks"]:
        check["sites"] = dict.fromkeys([site], *check["sites"].values())
        for note in check["notes"]:
            note.update(site=site, message=text(), file=text(), column=text())
        for example in check["examples"]:
            example["message"] = text()
            if "source" in example:
                example["source"].update(file=text(), column=text())
