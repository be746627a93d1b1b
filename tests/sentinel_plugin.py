"""A pytest plug-in: unique texts planted in every field, and the search for them wherever harmonize writes or speaks.

A test asks for the fixture `sentinels`, plants with it and lets harmonize work below `tmp_path`. When the test ends the plug-in
reads stdout, stderr, the logs, what exceptions said, and every file below `tmp_path` that is neither input (`in*`) nor a document of a
target (which holds what a record says of a person): findings, rejects, lineage, reports, manifests, temporary files. One sentinel
there fails the test. `sentinels.documents` and `sentinels.error_paths` count what was tried; the session's end prints the sums.
"""

from __future__ import annotations

import contextlib
import logging
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harmonize.errors import HarmonizeError
from harmonize.safe_messages import safe_message

SENTINEL = re.compile(rb"Zyx\d{7}Qvk")
DOCUMENTS = ("hub", "fhir-r4", "phenopackets")
"""What a record says of a person may stand in the documents of the targets; nowhere else."""
_sums: dict[str, int] = {"documents": 0, "error paths": 0, "sentinels": 0}


@dataclass
class Sentinels:
    """What was planted in a test, and what was said."""

    number: int = 0
    documents: int = 0
    error_paths: int = 0
    spoken: list[str] = field(default_factory=list)

    def new(self) -> str:
        """A text that no program makes by chance."""
        self.number += 1
        return f"Zyx{self.number:07d}Qvk"

    def planted(self, value: Any, shape: str = "{0}") -> Any:
        """*value* with a sentinel of its own in place of every text."""
        if isinstance(value, dict):
            return {name: self.planted(item, shape) for name, item in value.items()}
        if isinstance(value, list):
            return [self.planted(item, shape) for item in value]
        return shape.format(self.new()) if isinstance(value, str) else value

    @contextlib.contextmanager
    def error_path(self) -> Iterator[None]:
        """A way that may end in an error of ours, of which everything that could be printed is kept."""
        self.error_paths += 1
        try:
            yield
        except HarmonizeError as error:
            self.say(str(error), *traceback.format_exception_only(error), safe_message(error))
        except SystemExit:
            pass

    def say(self, *texts: object) -> None:
        """Keep what was or could be shown to somebody."""
        self.spoken += map(str, texts)


def found_in(texts: list[str], folder: Path) -> list[str]:
    """Where sentinels stand that may not stand there."""
    leaks = [f"{s.decode()} was spoken" for s in SENTINEL.findall("\n".join(texts).encode())]
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not parts[0].startswith("in") and not any(part in DOCUMENTS for part in parts):
            leaks += [f"{s.decode()} stands in {path.relative_to(folder)}" for s in SENTINEL.findall(path.read_bytes())]
    return leaks


@pytest.fixture
def sentinels(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Iterator[Sentinels]:
    """Plant, work, and let the plug-in search."""
    made = Sentinels()
    with caplog.at_level(logging.DEBUG):
        yield made
    captured = capfd.readouterr()
    leaks = found_in([*made.spoken, captured.out, captured.err, caplog.text], tmp_path)
    _sums["documents"] += made.documents
    _sums["error paths"] += made.error_paths
    _sums["sentinels"] += made.number
    if leaks:
        pytest.fail(f"{len(leaks)} sentinels where none may be: {leaks[:5]}", pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the sums of a worker of pytest-xdist to the main process."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["sentinels"] = dict(_sums)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_testnodedown(node: Any, error: object) -> None:
    """Add the sums of a worker."""
    for name, number in getattr(node, "workeroutput", {}).get("sentinels", {}).items():
        _sums[name] += number


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was tried."""
    if _sums["documents"]:
        terminalreporter.write_line("sentinels: " + ", ".join(f"{n:,} {name}" for name, n in _sums.items()))
