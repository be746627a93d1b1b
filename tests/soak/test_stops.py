"""Two hundred kills at random moments over all formats; every write site with a full disk; damage, machines, memory limits."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from harmonize import output_folder
from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.output_folder import OutputError
from harmonize.profiles.loading import load_profile
from harmonize.synthesis.tables import write_tables
from tests.corrupted_rows import corrupt
from tests.registry import KEY, RECORDED
from tests.stops import (
    FIRST,
    LATER,
    OMOP,
    SOURCES,
    assert_nothing_looks_finished,
    command,
    contents,
    finish,
    key_file,
    start,
)
from tests.unit.test_corrupted_rows import TABLES
from tests.unit.test_stops import into

SUBJECTS = 400
KILLS = 200


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[str], dict[str, bytes], float]]:
    """Format -> the call but for its --out, the files of a run that nobody stopped, and the seconds that it took."""
    made = {}
    place = tmp_path_factory.mktemp("wholes")
    for name, (profile, write) in SOURCES.items():
        folder = place / str(len(made))
        folder.mkdir()
        source = write(folder / "in", SUBJECTS)
        started = time.monotonic()
        assert finish(command(profile, source, folder / "out", key_file(place)))[0] == 0
        seconds = time.monotonic() - started
        made[name] = (command(profile, source, Path("OUT"), key_file(place)), contents(folder / "out"), seconds)
    return made


@pytest.mark.parametrize("number", range(KILLS))
def test_kill_at_any_moment(wholes: Any, tmp_path: Path, number: int) -> None:
    names = list(SOURCES)
    call, whole, seconds = wholes[names[number % len(names)]]
    chance = random.Random(number)
    jobs = ("--jobs", str(chance.choice([1, 1, 2, 3])))
    out, clock = tmp_path / "out", FIRST
    for _ in range(chance.choice([1, 1, 2, 3])):
        process = start(into(call, out, *jobs, *(("--resume",) if clock == LATER else ())), clock)
        time.sleep(chance.uniform(0, seconds * 1.1))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert_nothing_looks_finished(out, whole) if out.exists() else None
        started = (out / "private" / "checkpoint.json").exists() or (out / "manifest.json").exists()
        clock = LATER if started else FIRST  # a run that saved nothing yet keeps no instant
    code, said = finish(into(call, out, *jobs, "--resume"), clock)
    assert code == 0, said
    assert contents(out) == whole


class _Disk:
    """A disk that is full from the n-th write on: the files that are opened here count their writes together."""

    def __init__(self, room: int) -> None:
        self.room = room

    def take(self) -> None:
        self.room -= 1
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")


class _File:
    def __init__(self, file: Any, disk: _Disk) -> None:
        self._file, self._disk = file, disk

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        if name in ("write", "flush"):
            self._disk.take()
        return getattr(self._file, name)


def test_a_full_disk_at_every_write_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = load_profile(OMOP)
    write_tables(profile, 120, 1, tmp_path / "in")
    settings = Settings(profile.id, ("hub", "fhir-r4", "phenopackets"), KEY, "s", "record", RECORDED)

    def options(out: Path, *, resume: bool = False) -> RunOptions:
        return RunOptions((tmp_path / "in",), out, max_errors="100%", resume=resume, checkpoint_seconds=0)

    convert_files(settings, options(tmp_path / "whole"))
    whole, fdopen = contents(tmp_path / "whole"), os.fdopen
    sites = 0
    for site in range(10_000):
        out = tmp_path / f"out{site}"
        disk = _Disk(site)
        monkeypatch.setattr(output_folder.os, "fdopen", lambda *a, disk=disk, **k: _File(fdopen(*a, **k), disk))
        try:
            convert_files(settings, options(out))
        except OutputError as error:
            assert "To mend it" in str(error) and error.exit_code == 4
        else:
            break
        finally:
            monkeypatch.setattr(output_folder.os, "fdopen", fdopen)
        sites += 1
        assert_nothing_looks_finished(out, whole)
        assert not (out / "manifest.json").exists()
        convert_files(settings, options(out, resume=True))
        assert contents(out) == whole
    assert sites >= 100


@pytest.mark.parametrize("seed", range(30))
def test_one_row_in_a_hundred_damaged(tmp_path: Path, seed: int) -> None:
    profile = load_profile(OMOP)
    write_tables(profile, 1_000, seed, tmp_path / "in")
    expected = {table: corrupt(tmp_path / "in" / f"{table}.csv", 0.01, seed) for table in TABLES}
    settings = Settings(profile.id, ("phenopackets",), KEY, "s", "record", RECORDED)
    counts = convert_files(settings, RunOptions((tmp_path / "in",), tmp_path / "out", max_errors="100%")).manifest[
        "counts"
    ]
    found = {table: counts["rows"][f"{table}.csv"] for table in TABLES}
    assert {t: (c["read"], c["rejected"], c["used"]) for t, c in found.items()} == {
        t: (e.read, e.rejected, e.read - e.rejected) for t, e in expected.items()
    }


@pytest.mark.parametrize("megabytes", range(200, 600, 20))
def test_any_limit_of_memory(wholes: Any, tmp_path: Path, megabytes: int) -> None:
    call, whole, _ = wholes["OMOP CSV, shuffled"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    code, said = finish(into(call, tmp_path / "out"), before=limit)
    assert code in (0, 4) or "ABORT" in said or code < 0, said  # some libraries give up by themselves, without us
    assert_nothing_looks_finished(tmp_path / "out", whole) if (tmp_path / "out").exists() else None
    assert finish(into(call, tmp_path / "out", "--resume"))[0] == 0
    assert contents(tmp_path / "out") == whole
