"""The same bytes whatever the hash seed, time zone, locale, encoding and number of processes of the machine are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from harmonize.profiles.loading import load_profile
from harmonize.pseudonyms import new_key
from harmonize.synthesis.tables import write_tables
from tests.corrupted_documents import corrupted_document
from tests.registry import RECORDED, Registry, make_registry


class Machine(NamedTuple):
    """What differs between machines."""

    hash_seed: str
    time_zone: str
    locale: str
    python: tuple[tuple[str, str], ...] = ()
    jobs: int = 1


ASCII_ONLY = (("PYTHONCOERCECLOCALE", "0"), ("PYTHONUTF8", "0"))
EXPECTED = Machine("0", "UTC", "C.UTF-8")
MACHINES = (
    Machine("1", "Pacific/Kiritimati", "C.UTF-8"),
    Machine("2", "Etc/GMT+12", "POSIX", ASCII_ONLY),  # every text file that states no encoding would break or differ
    Machine("4294967295", "Europe/Berlin", "tr_TR.UTF-8"),  # a Turkish i, where that locale is installed
    Machine("random", "America/St_Johns", "de_DE.ISO-8859-1", (("PYTHONUTF8", "1"),)),
    Machine("7", "Asia/Kathmandu", "C", (*ASCII_ONLY, ("PYTHONOPTIMIZE", "2"))),  # without assertions and docstrings
    Machine("11", "Antarctica/Troll", "ar_EG.UTF-8", jobs=2),
)  # fmt: skip


def converted(source: Path, key: Path, out: Path, machine: Machine, profile: str = "eu/ern-cde") -> dict[str, bytes]:
    """Every file of a conversion in a process of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(out.parent),
        "PYTHONHASHSEED": machine.hash_seed,
        "TZ": machine.time_zone,
        "LC_ALL": machine.locale,
        "LANG": machine.locale,
        **dict(machine.python),
    }
    command = [sys.executable, "-m", "harmonize", "convert", str(source), "--profile", profile]
    command += ["--to", "hub,fhir-r4,phenopackets", "--out", str(out), "--pseudonym-key", str(key), "--quiet"]
    command += [
        "--site",
        "site",
        "--recorded",
        RECORDED,
        "--jobs",
        str(machine.jobs),
        "--include-values",
        "--max-errors",
        "100%",
    ]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A small registry with texts that are not ASCII, in an identifier and in cells that are rejected."""
    registry = make_registry(tmp_path_factory.mktemp("source") / "in", subjects=6, seed=3)

    def stranger(rows: list[dict[str, str]]) -> None:
        rows[0]["value"] = "١٩٨٥-é"
        rows.append({**rows[0], "pid": ""})
        rows.append({**rows[1], "pid": "İstanbul-ß-17"})

    registry.change("Birthdate", stranger)
    return registry


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file."""
    path = tmp_path_factory.mktemp("key") / "node.key"
    new_key(path)
    return path


@pytest.fixture(scope="module")
def expected(source: Registry, key: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one machine writes."""
    made = converted(source.folder, key, tmp_path_factory.mktemp("expected") / "out", EXPECTED)
    assert {"manifest.json", "hub/subjects.ndjson", "fhir-r4/Patient.ndjson"} <= made.keys()
    assert "١٩٨٥-é".encode() in made["private/rejects.ndjson"], "the stranger cells were met"
    return made


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: f"{m.hash_seed}-{m.time_zone}-{m.locale}")
def test_same_bytes_on_every_machine(
    machine: Machine, source: Registry, key: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    made = converted(source.folder, key, tmp_path / "out", machine)
    assert made.keys() == expected.keys()
    assert [name for name in made if made[name] != expected[name]] == []


@pytest.mark.parametrize("machine", [MACHINES[0], MACHINES[2], MACHINES[-1]], ids=lambda m: f"{m.hash_seed}-{m.jobs}")
def test_messages_in_disorder_are_the_same_bytes_on_every_machine(machine: Machine, key: Path, tmp_path: Path) -> None:
    """What is said of messages that contradict and repeat one another stands in one order."""
    documents = tmp_path / "in"
    documents.mkdir()
    write_tables(load_profile("de/obds"), 60, 8, tmp_path / "demo")
    (written,) = (tmp_path / "demo").glob("*.xml")
    for seed in range(3):
        flawed = corrupted_document(written.read_bytes(), seed, identifiers=5)
        (documents / f"{seed}.xml").write_bytes(flawed)
    here = converted(documents, key, tmp_path / "here", EXPECTED, "de/obds")
    there = converted(documents, key, tmp_path / "there", machine, "de/obds")
    assert b"source.group-conflict" in here["private/findings.ndjson"]
    assert [name for name in here if there[name] != here[name]] == []
