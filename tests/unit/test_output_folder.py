"""A file under its final name is whole; a run that dies leaves nothing that looks finished."""

from __future__ import annotations

from pathlib import Path

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
