"""docs/how-to/report-in-ci.md: its pipelines are valid, and run the commands that the page runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "report-in-ci.md").read_text("utf-8")


def pipeline(name: str) -> str:
    found = re.search(rf"^```yaml {re.escape(name)}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("name", "schema"), [("workflow.yml", "vendor.github-workflows"), ("gitlab-ci.yml", "vendor.gitlab-ci")]
)
def test_pipelines_are_valid(name: str, schema: str, tmp_path: Path) -> None:
    def judged(text: str) -> int:
        (tmp_path / name).write_text(text)
        words = ["--builtin-schema", schema, str(tmp_path / name)]
        return subprocess.run([sys.executable, "-m", "check_jsonschema", *words], capture_output=True).returncode

    assert judged(pipeline(name)) == 0
    assert judged(pipeline(name).replace("script:", "scrpt:").replace("runs-on:", "run-on:")) == 1


def test_pipelines_run_what_the_page_runs() -> None:
    every_time = PAGE.partition("## Every time")[2].partition("## When")[0]
    commands = [line.removeprefix("$ ") for line in every_time.splitlines() if line.startswith("$ harmonize")]
    github: dict[str, Any] = yaml.safe_load(pipeline("workflow.yml"))
    gitlab: dict[str, Any] = yaml.safe_load(pipeline("gitlab-ci.yml"))
    steps = [step.get("run", "") for step in github["jobs"]["report"]["steps"]]
    assert len(commands) == 2
    assert [step for step in steps if step.startswith("harmonize")] == commands
    assert [line for line in gitlab["conformance"]["script"] if line.startswith("harmonize")] == commands
