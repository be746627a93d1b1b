"""Files and folders under their final names are whole, or are not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harmonize.whole_files import PartlyWrittenError, whole_file, whole_folder, write_all_whole


def fill(folder: Path) -> None:
    with whole_folder(folder) as aside:
        (aside / "cases").mkdir()
        (aside / "a.csv").write_text("a")
        (aside / "cases" / "b.yaml").write_text("b")


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_is_filled(tmp_path: Path, is_there: bool) -> None:
    target = tmp_path / "x" / "out"
    if is_there:
        target.mkdir(parents=True)
        number = target.stat().st_ino
    fill(target)
    assert names(tmp_path) == ["x", "x/out", "x/out/a.csv", "x/out/cases", "x/out/cases/b.yaml"]
    assert not is_there or target.stat().st_ino == number, "a mounted volume cannot be exchanged"
    assert target.stat().st_mode & 0o777 == 0o777 & ~_mask()


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("is_there", [False, True])
def test_what_fails_half_way_leaves_nothing(tmp_path: Path, is_there: bool) -> None:
    target = tmp_path / "out"
    if is_there:
        target.mkdir()
    with pytest.raises(ZeroDivisionError), whole_folder(target) as aside:
        (aside / "a.csv").write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == (["out"] if is_there else [])


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for target in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(FileExistsError):
            fill(target)
    assert names(tmp_path) == ["mine.txt"]


def test_a_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and names(tmp_path) == ["a"]


def test_several_files_are_written_or_none(tmp_path: Path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    one.write_text("old")
    with pytest.raises(FileNotFoundError):
        write_all_whole({one: b"new", tmp_path / "no" / "c": b"new"})
    assert one.read_text() == "old" and names(tmp_path) == ["a"]
    write_all_whole({one: b"new", other: b"new"})
    assert one.read_text() == other.read_text() == "new" and names(tmp_path) == ["a", "b"]


def test_what_is_partly_written_is_told(tmp_path: Path) -> None:
    one, folder = tmp_path / "a", tmp_path / "b"
    (folder / "full").mkdir(parents=True)  # a file cannot take the name of a folder
    with pytest.raises(PartlyWrittenError) as told:
        write_all_whole({one: b"new", folder: b"new"})
    assert (told.value.written, told.value.left) == ((one,), (folder,))
    assert one.read_text() == "new" and names(tmp_path) == ["a", "b", "b/full"]
