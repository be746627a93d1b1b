"""Synthetic records: the same seed makes the same bytes, they convert, and a wrong demo.yaml is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harmonize.errors import CallError, SpecificationError
from harmonize.profiles.loading import load_profile
from harmonize.profiles.specification_files import profile_folder, profile_ids
from harmonize.synthesis.tables import load_demo, write_tables
from tests.redcap import convert


@pytest.mark.parametrize("profile_id", profile_ids())
def test_every_profile_has_records_that_convert(profile_id: str, tmp_path: Path) -> None:
    rows = write_tables(load_profile(profile_id), 50, 1, tmp_path / "a")
    assert write_tables(load_profile(profile_id), 50, 1, tmp_path / "b") == rows
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    write_tables(load_profile(profile_id), 50, 2, tmp_path / "c")
    assert any(p.read_bytes() != (tmp_path / "c" / p.name).read_bytes() for p in (tmp_path / "a").iterdir())
    run = convert(tmp_path / "a", tmp_path / "out", profile=profile_id, consent="record")
    assert run.counts["subjects"]["converted"] == 50 and len(run.lines("fhir-r4/Observation.ndjson")) > 100


def test_a_full_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(CallError, match="not empty"):
        write_tables(load_profile("eu/ern-cde"), 1, 1, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  Sex:\n", "  Gender:\n", "no table 'Gender'"),
        ("{event: new}", "{happening: new}", "needs exactly one of"),
        ('    rows: {chance: "0.9"}', '    rows: {luck: "0.9"}', "not known"),
    ],
)
def test_a_wrong_demo_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = tmp_path / "eu" / "ern-cde"
    shutil.copytree(profile_folder("eu/ern-cde"), folder)
    text = (folder / "demo.yaml").read_text()
    assert old in text
    (folder / "demo.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(SpecificationError, match=message):
        load_demo(load_profile(str(folder)))
    (folder / "demo.yaml").unlink()
    with pytest.raises(CallError, match=r"no demo\.yaml"):
        load_demo(load_profile(str(folder)))


def test_a_fixed_file_belongs_to_no_subject(tmp_path: Path) -> None:
    profile = load_profile("intl/omop-5.4")
    write_tables(profile, 3, 1, tmp_path / "a")
    write_tables(profile, 5, 2, tmp_path / "b")
    assert (tmp_path / "a" / "concept.csv").read_bytes() == (tmp_path / "b" / "concept.csv").read_bytes()
    persons = (tmp_path / "a" / "person.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in persons] == ["person_id", "1", "2", "3"]
    born, year, month, day = persons[1].split(",")[1:5]
    assert born == f"{year}-{int(month):02}-{int(day):02}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  note.csv:\n", "  ../note.csv:\n", "fixed file"),
        ("  note.csv:\n", "  person.csv:\n", "fixed file"),
        ("    columns: [note_id, ", "    columns: [", "not as many cells"),
        ("fixed:\n", "fixe:\n", "not known"),
        ("is: year", "is: hour", "not written as it must be"),
    ],
)
def test_a_wrong_fixed_file_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = tmp_path / "intl" / "omop-5.4"
    shutil.copytree(profile_folder("intl/omop-5.4"), folder)
    text = (folder / "demo.yaml").read_text()
    assert old in text
    (folder / "demo.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(SpecificationError, match=message):
        write_tables(load_profile(str(folder)), 1, 1, tmp_path / "out")
