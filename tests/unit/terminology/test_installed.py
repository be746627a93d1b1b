"""What lies in the folder of compiled code systems: several editions, damaged and foreign files, names that URIs do not hold."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonize.errors import SpecificationError
from harmonize.terminology.add import Order, compile_file
from harmonize.terminology.answers import NotChecked, Unknown
from harmonize.terminology.installed import installed_systems
from harmonize.terminology.store import CodeSystemStore, Terminologies
from tests.registry import make_registry
from tests.unit.cli.test_cli import harmonize


def stored(folder: Path, name: str, *, system: str = "X", label: str = "one", **order: object) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / "x.csv"
    path.write_text("code,label\n" + "".join(f"{n},{label} {n}\n" for n in range(100, 1100)))
    compile_file(
        Order(str(path), system=system, version=name.partition("-")[2] or "1", **order), folder / f"{name}.sqlite"
    )  # type: ignore[arg-type]
    path.unlink()
    return folder / f"{name}.sqlite"


def set_meta(path: Path, key: str, value: str | None) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM meta WHERE key = ?", (key,))
        if value is not None:
            connection.execute("INSERT INTO meta VALUES (?, ?)", (key, value))
    connection.close()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])


def overwritten(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:8192] + b"\xff" * (len(data) - 8192))


def other_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()


DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "damaged"),
    "text": (lambda path: path.write_bytes(b"no database" * 1000), "damaged"),
    "cut off": (cut, "cut off|damaged"),
    "a byte more": (lambda path: path.write_bytes(path.read_bytes() + b"x"), "behind its end"),
    "another database": (other_database, "damaged"),
    "a later format": (lambda path: set_meta(path, "format", "99"), "another version of harmonize"),
    "without format": (lambda path: set_meta(path, "format", None), "another version of harmonize"),
    "without licence": (lambda path: set_meta(path, "licence", None), "does not state licence"),
    "of another system": (lambda path: set_meta(path, "system", "Y"), "its name says X and it holds Y"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "opened|damaged"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_said_and_hides_no_other(tmp_path: Path, name: str) -> None:
    damage, message = DAMAGED[name]
    damage(stored(tmp_path, "X-1"))
    stored(tmp_path, "Y-1", system="Y")
    terms = Terminologies.installed(tmp_path)
    with pytest.raises(SpecificationError, match=message) as caught:
        terms.lookup("X:100")
    assert caught.value.fix and caught.value.file.endswith("X-1.sqlite") and caught.value.exit_code == 2
    entries, wrong = installed_systems(terms)
    assert [entry["system"] for entry in entries] == ["Y"] and len(wrong) == 1


def test_damage_inside_is_said_where_it_is_read(tmp_path: Path) -> None:
    path = stored(tmp_path, "X-1")
    overwritten(path)
    store = CodeSystemStore(path)
    for ask in (lambda: store.lookup("X:500"), lambda: store.by_text("one 500"), lambda: list(store.terms()), store.hierarchy):  # fmt: skip
        with pytest.raises(SpecificationError, match="damaged"):
            ask()


def test_the_command_line_says_what_is_damaged(tmp_path: Path) -> None:
    stored(tmp_path, "X-1").write_bytes(b"")
    stored(tmp_path, "Y-2", system="Y")
    for verb in (("terminology", "list"), ("terminology", "list", "--json"), ("doctor",), ("doctor", "--json"), ("terminology", "lookup", "X:1")):  # fmt: skip
        done = harmonize(*verb, HARMONIZE_TERMINOLOGIES=str(tmp_path))
        assert done.code == 2 and "X-1.sqlite" in done.err and "To mend it" in done.err and "Traceback" not in done.err
        assert "lookup" in verb or ("Y" in done.out and "HP" in done.out and "2026-02-16" in done.out)
    registry = make_registry(tmp_path / "registry", subjects=2)
    assert harmonize("key", "new", tmp_path / "node.key").code == 0
    done = harmonize(
        "convert", registry.folder, "--profile", "eu/ern-cde", "--to", "hub", "--out", tmp_path / "out",
        "--pseudonym-key", tmp_path / "node.key", HARMONIZE_TERMINOLOGIES=str(tmp_path),
    )  # fmt: skip
    assert (
        done.code == 2
        and "X-1.sqlite" in done.err
        and "Traceback" not in done.err
        and not (tmp_path / "out" / "manifest.json").exists()
    )
    assert harmonize("terminology", "lookup", "Y:100", HARMONIZE_TERMINOLOGIES=str(tmp_path)).code == 0


def test_what_is_stated_of_every_system(tmp_path: Path) -> None:
    stored(tmp_path, "X-2", licence="ours")
    done = harmonize("terminology", "list", "--json", HARMONIZE_TERMINOLOGIES=str(tmp_path))
    entries = {entry["system"]: entry for entry in json.loads(done.out)}
    assert all(
        len(e["sha256"]) == 64 and e["licence"] and {"version", "tier", "complete"} <= e.keys()
        for e in entries.values()
    )
    assert (entries["X"]["tier"], entries["HP"]["tier"], entries["LOINC"]["tier"]) == ("user", "package", "used")
    doctor = json.loads(harmonize("doctor", "--json", HARMONIZE_TERMINOLOGIES=str(tmp_path)).out)
    assert {
        "system": "X",
        "version": "2",
        "complete": True,
        "licence": "ours",
        "tier": "user",
        "sha256": entries["X"]["sha256"],
    } in doctor["terminologies"]
    people = harmonize("doctor", HARMONIZE_TERMINOLOGIES=str(tmp_path)).out
    assert entries["X"]["sha256"] in people and "user; ours" in people


@pytest.mark.parametrize(
    ("names", "newest"), [(("9", "10"), "10"), (("2.9", "2.10"), "2.10"), (("20230731", "2024-01-31"), "2024-01-31")]
)
def test_the_newest_edition_counts(tmp_path: Path, names: tuple[str, ...], newest: str) -> None:
    for name in names:
        stored(tmp_path, f"X-{name}")
    terms = Terminologies.installed(tmp_path)
    assert terms.paths["X"].name == f"X-{newest}.sqlite" and terms.editions()["X"] == newest


def test_editions_that_cannot_be_ordered_are_told(tmp_path: Path) -> None:
    for name in ("summer", "winter"):
        stored(tmp_path, f"X-{name}")
    done = harmonize("terminology", "list", HARMONIZE_TERMINOLOGIES=str(tmp_path))
    assert done.code == 0 and "X: winter is used; its name does not say whether it is newer than summer" in done.err


@pytest.mark.parametrize("folder", ["a b", "a?b", "a#b", "a%20b", "a&b=c", "ä ö", "a;b"])
def test_folders_that_a_uri_has_to_quote(tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path / folder, "X-1", label="right")
    (tmp_path / "a").write_bytes(b"not this one")
    assert Terminologies.installed(tmp_path / folder).lookup("X:100").label == "right 100"
    monkeypatch.chdir(tmp_path)
    assert Terminologies.installed(Path(folder)).lookup("X:100").label == "right 100"


def test_a_list_of_a_system_is_partial_unless_it_is_said_to_be_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("code,label\nE11.9,one\n")
    for order, kind in (({}, NotChecked), ({"partial": True}, NotChecked), ({"whole": True}, Unknown)):
        answer = compile_file(Order(str(path), system="ICD10GM", version="2026", **order), tmp_path / "x.sqlite")  # type: ignore[arg-type]
        store = CodeSystemStore(tmp_path / "x.sqlite")
        assert isinstance(store.lookup("ICD10GM:E11.8"), kind) and isinstance(store.by_text("two"), kind)
        assert any("--whole" in sentence for sentence in answer["said"]) == (not order)


def test_the_same_file_with_other_options_is_another_store(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("code,label,other\nA,one,two\n")
    digests, sources = set(), set()
    for order in (
        {},
        {"version": "2"},
        {"columns": {"label": "other"}},
        {"partial": True},
        {"licence": "ours"},
        {"system": "Y"},
    ):
        asked = {"system": "X", "version": "1"} | order
        compile_file(Order(str(path), **asked), tmp_path / "x.sqlite")  # type: ignore[arg-type]
        meta = CodeSystemStore(tmp_path / "x.sqlite").meta
        digests.add(meta["digest"])
        sources.add(meta["sha256"])
    assert len(digests) == 6 and len(sources) == 1
    into = tmp_path / "into"
    into.mkdir()
    (tmp_path / "x.sqlite").rename(into / "Y-1.sqlite")
    assert Terminologies.installed(into).digests()[0]["digest"] in digests
