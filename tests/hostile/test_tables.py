"""Hostile tables and archives through `harmonize convert`: refused or contained, in little time and memory, quoting nothing."""

from __future__ import annotations

import io
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
import xlsxwriter

from tests.hostile.inputs import ARCHIVES, CSV, SECRET, put
from tests.hostile.measure import assert_contained, measured
from tests.hostile.run_cli import harmonize
from tests.registry import make_registry

CONTRACT = (0, 2, 3)
"""Done with findings, a wrong call, input unreadable. 4 would be an error of ours."""
BOMBS = ("zeros", "long line", "rows", "nested bomb", "gz of gz", "many members", "quotes", "too long", "megabyte")


@cache
def _registry() -> dict[str, bytes]:
    """The tables of three subjects that a bomb stands beside."""
    with tempfile.TemporaryDirectory() as scratch:
        tables = make_registry(Path(scratch), subjects=3).folder.glob("*.csv")
        return {path.name: path.read_bytes() for path in tables if path.name in ("Birthdate.csv", "Phenotype.csv")}


def prepared(folder: Path, name: str, data: bytes) -> list[str]:
    """The words of a conversion of a small registry in which the table Sex is *data*."""
    source = folder / "in"
    for table, content in _registry().items():
        put(source, table, content)
    put(source, name, data)
    key = folder / "node.key"
    key.write_text("00" * 31 + "01\n")
    key.chmod(0o600)
    words = ["convert", source, "--profile", "eu/ern-cde", "--to", "hub", "--out", folder / "out"]
    return [*map(str, words), "--pseudonym-key", str(key), "--max-errors", "100%", "--site", "x"]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Load what a conversion needs, once: the bombs are measured, not the start."""
    folder = tmp_path_factory.mktemp("warm")
    assert harmonize(*prepared(folder, "Sex.csv", b"pid,value\n1,x\n")).code == 0


def judge(code: int, spoken: str, folder: Path) -> None:
    """Fail where the call left the contract, showed a traceback, or a value stands where none may."""
    assert code in CONTRACT, (code, spoken)
    assert "Traceback" not in spoken and "internal error" not in spoken, spoken
    assert code == 0 or "harmonize: " in spoken, spoken
    assert SECRET not in spoken and "\x1b" not in spoken
    assert "root:" not in spoken, "/etc/passwd was read"
    for path in (folder / "out").rglob("*"):
        if path.is_file() and path.relative_to(folder / "out").parts[0] not in ("hub", "fhir-r4", "phenopackets"):
            assert SECRET.encode() not in path.read_bytes(), path


def extension(name: str) -> str:
    return f"Sex.csv.{name.rpartition('.')[2]}"


@pytest.mark.parametrize("name", [name for name in CSV if not any(word in name for word in BOMBS)])
def test_tables(name: str, tmp_path: Path) -> None:
    done = harmonize(*prepared(tmp_path, "Sex.csv", CSV[name]()))
    judge(done.code, done.out + done.err, tmp_path)


@pytest.mark.parametrize("name", [name for name in ARCHIVES if not any(word in name for word in BOMBS)])
def test_archives(name: str, tmp_path: Path) -> None:
    done = harmonize(*prepared(tmp_path, extension(name), ARCHIVES[name]()))
    judge(done.code, done.out + done.err, tmp_path)
    assert done.code == 3 or name in ("patched data.zip",), "nothing of these is a table"


@pytest.mark.skipif(sys.platform != "linux", reason="the units of ru_maxrss differ")
@pytest.mark.parametrize("name", [n for n in (*CSV, *ARCHIVES) if any(word in n for word in BOMBS)])
def test_bombs(name: str, warm: None, tmp_path: Path) -> None:
    data = (CSV.get(name) or ARCHIVES[name])()
    words = prepared(tmp_path, "Sex.csv" if name in CSV else extension(name), data)
    del data
    result = measured(harmonize, *words)
    code, out, err = result.answer
    judge(code, out + err, tmp_path)
    assert_contained(result)


def test_other_files_are_not_opened(tmp_path: Path) -> None:
    """Files that are no tables are named, and not read."""
    from tests.hostile.profiles import watching

    names = [
        "x.xml",
        "x.rdf",
        "x.ttl",
        "x.owl",
        "x.json",
        "x.tar.gz",
        "x.7z",
        "x.html",
        "Sex.xml",
        "Sex.csv.bz2",
    ]
    words = prepared(tmp_path, names[0], b"<x>" + SECRET.encode())
    others = [put(tmp_path / "in", name, b"<x>" + SECRET.encode()) for name in names]
    with watching() as watch:
        done = harmonize(*words)
    judge(done.code, done.out + done.err, tmp_path)
    assert not set(names) & {path.name for path in watch.opened}
    assert not {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn"} & set(watch.forbidden)
    alone = harmonize("convert", *others, *words[2:])
    assert alone.code == 3 and "none of the tables" in alone.err


def workbook_of(rows: list[list[str]]) -> bytes:
    """A workbook with a table Sex, and a sheet that is none."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    for name in ("Sex", "Notes"):
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    book.close()
    return made.getvalue()


@pytest.mark.parametrize("name", ["x.xls", "x.ods", "x.xlsm", "x.xlsx"])
def test_what_is_named_as_a_spreadsheet_and_is_none_is_refused(tmp_path: Path, name: str) -> None:
    done = harmonize(*prepared(tmp_path, name, b"<x>" + SECRET.encode()))
    judge(done.code, done.out + done.err, tmp_path)
    assert done.code == 3 and name in done.err and "To mend it: " in done.err


def test_a_workbook_with_any_byte_changed_is_contained(tmp_path: Path) -> None:
    """Headers, archives and XML that are damaged anywhere: read, or refused in words that hold no value."""
    whole = workbook_of([["pid", "valueIRI", "comments"], ["1", SECRET, SECRET], ["2", "\u202e", "=1+1"]])
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        folder = tmp_path / str(place)
        done = harmonize(*prepared(folder, "sex.xlsx", bytes(damaged)))
        judge(done.code, done.out + done.err, folder)


def test_every_cut_of_a_table_is_contained(tmp_path: Path) -> None:
    """A small table, and its gzip and Zstandard, truncated at every byte. Cut, a packed file is never taken for a whole one."""
    import gzip

    import zstandard

    from harmonize.errors import InputError
    from harmonize.input.opening import Opening
    from harmonize.profiles.loading import load_profile
    from harmonize.readers import open_source
    from tests.hostile.inputs import HEADER, ROW

    profile = load_profile("eu/ern-cde")
    table = HEADER + ROW + b'DEMO-00000002,2,"a ""quoted"" text",x\n'
    read = 0
    packed = ((".gz", gzip.compress(table)), (".zst", zstandard.compress(table)))
    for suffix, whole in (("", table), *packed):
        for cut in range(len(whole)):
            path = put(tmp_path / "cut", f"Sex.csv{suffix}", whole[:cut])
            try:
                source = open_source(Opening(profile, (path,), tmp_path / "work"))
                subjects = len(list(source.subjects()))
                read += subjects
                assert not suffix or not cut or source.log.partly, "a packed file that is cut off says so"
            except InputError as error:
                assert SECRET not in str(error)
            path.unlink()
    assert read > 0
