"""A file under its final name is whole; a run that dies leaves nothing that looks finished."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from pathlib import Path
from typing import Any

import pytest

from harmonize.errors import CallError
from harmonize.output_folder import OutputFolder, read_manifest


def test_files_are_renamed_at_the_end_and_the_manifest_is_last(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out") as folder:
        folder.write("hub/subjects.ndjson", b"{}\n")
        assert not (tmp_path / "out" / "hub" / "subjects.ndjson").exists()
        manifest = dict.fromkeys(("profile", "targets", "site", "counts", "recorded"), "x")
        folder.finish({"status": "complete", **manifest}, {"report.json": {"a": 1}})
    manifest = read_manifest(tmp_path / "out")
    assert manifest["status"] == "complete" and set(manifest["files"]) == {"hub/subjects.ndjson", "report.json"}
    assert list((tmp_path / "out").rglob("*.part")) == []


def test_a_run_that_fails_leaves_no_file_and_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ValueError), OutputFolder(tmp_path / "out") as folder:
        folder.write("hub/subjects.ndjson", b"{}\n")
        raise ValueError
    assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()] == []
    with pytest.raises(CallError, match="did not end"):
        read_manifest(tmp_path / "out")


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out"), pytest.raises(CallError, match="another run"), OutputFolder(tmp_path / "out"):
        pass


@pytest.mark.parametrize("manifest", ["", "[]", "{", '{"files": {"../../precious": {}}}'])
def test_a_manifest_of_others_deletes_nothing(tmp_path: Path, manifest: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    (tmp_path / "a" / "out").mkdir(parents=True)
    (tmp_path / "a" / "out" / "manifest.json").write_text(manifest)
    (tmp_path / "a" / "out" / "mine").write_text("x")
    with pytest.raises(CallError), OutputFolder(tmp_path / "a" / "out"):
        pass
    assert precious.exists() and (tmp_path / "a" / "out" / "mine").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(CallError, match="cannot write"), OutputFolder(tmp_path / "out"):
        pass


@pytest.mark.parametrize("name", ["download.iso.part", "sub/notes.txt.part", "a/b/subjects.ndjson.part"])
def test_files_that_others_began_are_foreign(tmp_path: Path, name: str) -> None:
    theirs = tmp_path / "out" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("x")
    (tmp_path / "out" / "empty").mkdir()
    with pytest.raises(CallError, match="no run of harmonize wrote"), OutputFolder(tmp_path / "out"):
        pass
    assert theirs.exists() and (tmp_path / "out" / "empty").exists()


def test_what_a_killed_run_began_is_cleared_away(tmp_path: Path) -> None:
    for name in ("hub/subjects.ndjson.0000.part", "fhir-r4/Patient.ndjson.10000.part", "private/findings.ndjson.part",
                 "manifest.json.part", "report.html.part", "private/operationoutcome.ndjson.part"):  # fmt: skip
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text("x")
    with OutputFolder(tmp_path / "out") as folder:
        folder.write("hub/subjects.ndjson", b"{}\n")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_what_was_written_must_be_what_it_was(tmp_path: Path) -> None:
    """A byte that turned over on the disk between two parts of a run is not signed by the manifest."""
    with contextlib.suppress(KeyboardInterrupt), OutputFolder(tmp_path / "out") as folder:
        folder.write("hub/subjects.ndjson", b'{"a":1}\n', 0)
        folder.save({"batches": 1, "call": {}})
        raise KeyboardInterrupt
    part = tmp_path / "out" / "hub" / "subjects.ndjson.0000.part"
    part.write_bytes(b'{"a":2}\n')
    with OutputFolder(tmp_path / "out") as folder:
        checkpoint = folder.checkpoint()
        assert checkpoint is not None
        with pytest.raises(CallError, match=r"is not what was written.*without --resume"):
            folder.restore(checkpoint)


def test_a_broken_checkpoint_stops_nobody_who_begins_anew(tmp_path: Path) -> None:
    checkpoint = tmp_path / "out" / "private" / "checkpoint.json"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text("{")
    with OutputFolder(tmp_path / "out") as folder:
        with pytest.raises(CallError, match="without --resume"):
            folder.checkpoint()
        folder.write("hub/subjects.ndjson", b"{}\n")
    assert not checkpoint.exists()


def _in_turns(folder: Path, inside: Any, twice: Any, until: float) -> None:
    while time.monotonic() < until:
        with contextlib.suppress(CallError), OutputFolder(folder):
            with inside.get_lock():
                inside.value += 1
                twice.value += inside.value > 1
            time.sleep(0.001)
            with inside.get_lock():
                inside.value -= 1


def test_no_two_runs_are_inside_while_others_come_and_go(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    inside, twice = context.Value("i", 0), context.Value("i", 0)
    until = time.monotonic() + 4
    runs = [context.Process(target=_in_turns, args=(tmp_path / "out", inside, twice, until)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
        assert run.exitcode == 0
    assert twice.value == 0
