"""The documents are true: every command and every Python block of README and tutorial runs; generated pages are in step."""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [
    "README.md",
    "docs/tutorial.md",
    *(f"docs/how-to/{p.name}" for p in sorted((ROOT / "docs/how-to").glob("*.md"))),
]
OF_THEIR_OWN = {"docs/how-to/dagster.md": ROOT / ".venv-dagster" / "bin" / "python"}
"""Pages whose Python runs in an environment of its own, as one script."""


def blocks(page: str) -> list[tuple[str, str, str]]:
    """(language, file that the block is, text) of every block of a page."""
    return FENCE.findall((ROOT / page).read_text())


def run_command(line: str) -> None:
    command = [sys.executable, "-m", "harmonize", *shlex.split(line)[1:]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def write_file(name: str, text: str) -> None:
    """A block that names a file is that file, or is added to its end."""
    path = Path(name.removesuffix(" (add)"))
    path.write_text((path.read_text() if name.endswith(" (add)") else "") + text)


@pytest.mark.parametrize("page", OF_THEIR_OWN)
def test_every_block_runs_in_an_environment_of_its_own(page: str, tmp_path: Path) -> None:
    python = OF_THEIR_OWN[page]
    if not python.exists():
        pytest.skip(f"what {page} needs is not installed in {python.parents[1].name}; `make test` installs it")
    commands = [line for language, _, text in blocks(page) if language == "console" for line in text.splitlines()]
    for line in commands:
        command = [sys.executable, "-m", "harmonize", *shlex.split(line.removeprefix("$ "))[1:]]
        subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    script = "\n".join(text for language, _, text in blocks(page) if language == "python")
    (tmp_path / "page.py").write_text(script)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "TZ": "UTC"}
    done = subprocess.run([python, "page.py"], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert len(commands) >= 3 and script.count("assert") >= 3


@pytest.mark.parametrize("page", [page for page in PAGES if page not in OF_THEIR_OWN])
def test_every_block_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    ran = 0
    for language, file, text in blocks(page):
        if file:
            write_file(file, text)
        elif language == "console":
            for line in text.splitlines():
                if line.startswith("$ harmonize"):
                    run_command(line.removeprefix("$ "))
                    ran += 1
        elif language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(text, page, "exec"), names)
            printed = out.getvalue()
            ran += 1
        elif language == "text" and printed:
            assert printed == text
            printed = ""
    assert ran >= 5


def test_the_test_command_of_the_readme_is_what_ci_runs() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert "$ make demo\n$ make test" in (ROOT / "README.md").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_generated_pages_are_in_step() -> None:
    pages = runpy.run_path(str(ROOT / "scripts" / "generate_docs.py"))["pages"]()
    for name, text in pages.items():
        assert (ROOT / "docs" / name).read_text() == text, f"{name}: run `make generate`"
    assert {f"rules/{p.name}" for p in (ROOT / "docs" / "rules").glob("*.md")} <= set(pages)


def test_notice_names_every_code_system_that_ships() -> None:
    from harmonize.terminology.store import Terminologies

    notice = (ROOT / "NOTICE").read_text()
    names = {
        "HP": "Human Phenotype Ontology",
        "MONDO": "Mondo Disease Ontology",
        "ICD10CM": "ICD-10-CM",
        "GENO": "Genotype Ontology",
        "NCIT": "NCI Thesaurus",
        "ISO3166": "ISO 3166-1",
        "ERDRISTATUS": "JRC set of common data elements",
        **dict.fromkeys(("ACTCODE", "BIRTHSEX", "GENDER", "ROLECODE"), "HL7 code systems"),
        **dict.fromkeys(("KARYOTYPE", "VITALSTATUS"), "Phenopacket schema v2"),
        **{name: f"({name})" for name in ("DUO", "SO", "UO", "HGNC")},
        "LOINC": "LOINC.",
    }
    for system in Terminologies.installed().paths:
        assert names[system] in notice, system
