"""Malicious profiles: refused by name with file and line; nothing outside of the folder is read, nothing is run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.errors import HarmonizeError, SpecificationError
from harmonize.profile_check import check_profile
from harmonize.profiles.loading import load_profile
from harmonize.shipped import mappings_folder, ontologies_folder
from harmonize.synthesis.tables import write_tables
from harmonize.terminology.strict_yaml import load_strict_yaml
from tests.hostile.profiles import Watch, compile_of, copy_profile, watching
from tests.registry import KEY, make_registry

DATA = Path(__file__).with_name("malicious_profiles.yaml")
CASES: list[dict[str, str]] = load_strict_yaml(DATA, name=DATA.name)[0]
PACKAGE = Path(load_profile.__code__.co_filename).resolve().parents[1]
SECRET = "mapping_set_id"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the profile, below a folder that also holds a secret."""
    (tmp_path / "secret.tsv").write_text("the secret of another folder")
    return copy_profile(tmp_path / "profiles")


def strangers(watch: Watch, folder: Path) -> list[Path]:
    """What was opened and lies neither in the profile nor in the package and its data nor in Python's libraries."""
    allowed = (folder.resolve(), PACKAGE, mappings_folder().resolve(), ontologies_folder().resolve())
    return [
        path
        for path in watch.opened
        if not any(path.resolve().is_relative_to(place) for place in allowed)
        and "site-packages" not in path.parts
        and path.suffix not in (".py", ".pyc", ".so")
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_malicious_profiles_are_refused(case: dict[str, str], folder: Path, tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"
    path = folder / case["file"]
    text = path.read_text("utf-8")
    old = text if case["old"] == "ALL" else case["old"]
    assert old in text, "the test itself is out of step"
    new = case["new"].replace("SECRET", str(tmp_path / "secret.tsv")).replace("SENTINEL", str(sentinel))
    path.write_text(text.replace(old, new, 1), "utf-8")
    with watching() as watch, pytest.raises(HarmonizeError) as error:
        compile_of(folder)
    assert case["message"] in str(error.value) and error.value.exit_code == 2
    assert len(str(error.value)) < 1_500, "a refusal is no copy of the file"
    assert not sentinel.exists() and not watch.forbidden and not strangers(watch, folder)


def _link_out(folder: Path, name: str) -> None:
    target = folder.parent.parent.parent / "elsewhere"
    target.mkdir(exist_ok=True)
    shutil.move(folder / name, target / Path(name).name)
    (folder / name).symlink_to(target / Path(name).name)


def _pipe(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)


def _device(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")


def _content(data: bytes) -> Callable[[Path, str], None]:
    return lambda folder, name: (folder / name).write_bytes(data) and None


def _huge(folder: Path, name: str) -> None:
    with (folder / name).open("wb") as file:
        file.truncate(10_000_000_000)


def _missing(folder: Path, name: str) -> None:
    (folder / name).unlink()


def _folder_instead(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()


def _linked_code_map(folder: Path, name: str) -> None:
    (folder / "codes").mkdir()
    (folder / "codes" / "evil.sssom.tsv").symlink_to(folder.parent.parent.parent / "secret.tsv")
    card = folder / name
    card.write_text(card.read_text().replace("shared:uo-ucum.sssom.tsv", "codes/evil.sssom.tsv"))


def _unused_linked_code_map(folder: Path, name: str) -> None:
    (folder / "codes").mkdir()
    (folder / "codes" / "evil.tsv").symlink_to(folder.parent.parent.parent / "secret.tsv")


def _linked_codes(folder: Path, name: str) -> None:
    (folder / "codes").symlink_to(mappings_folder() / "codes")
    card = folder / name
    card.write_text(card.read_text().replace("shared:uo-ucum.sssom.tsv", "codes/uo-ucum.sssom.tsv"))


CODE_MAPS = {
    "binary": bytes(range(256)),
    "empty": b"",
    "only a header": b"#mapping_set_id: x\n",
    "header that is a list": b"#- a\nsubject_id\tpredicate_id\tobject_id\tmapping_justification\n",
    "header that is a text": b"#mapping_set_id\nsubject_id\tpredicate_id\tobject_id\tmapping_justification\n",
    "header with a tag": b"#mapping_set_id: !!python/name:os.system\nsubject_id\n",
    "header with an alias bomb": b"#a: &a [x]\n#b: [*a,*a]\nsubject_id\n",
    "prefixes that are a list": b"#mapping_set_id: x\n#curie_map: [a]\nsubject_id\tpredicate_id\tobject_id\tmapping_justification\n",
    "a line of two megabytes": b"#mapping_set_id: x\nsubject_id\tpredicate_id\tobject_id\tmapping_justification\n" + b"x" * 2_000_000,
    "an undeclared prefix": b"#mapping_set_id: x\nsubject_id\tpredicate_id\tobject_id\tmapping_justification\nx:1\tskos:exactMatch\ty:1\tsemapv:x\n",
    "a row too short": b"#mapping_set_id: x\nsubject_id\tpredicate_id\tobject_id\tmapping_justification\nskos:1\tskos:exactMatch\n",
    "an unclosed quote": b"#mapping_set_id: x\nsubject_id\tpredicate_id\tobject_id\tmapping_justification\n\"skos:1\tskos:exactMatch\tskos:2\tsemapv:x\n",
    "UTF-16": "#mapping_set_id: x\n".encode("utf-16"),
}  # fmt: skip

STRUCTURES: list[tuple[str, str, Callable[[Path, str], None], str]] = [
    *((f"{name} links out", name, _link_out, name) for name in ("source.yaml", "map.yaml", "profile.yaml")),
    *((f"{name} is a pipe", name, _pipe, name) for name in ("source.yaml", "map.yaml")),
    *((f"{name} is a device", name, _device, name) for name in ("source.yaml", "map.yaml")),
    *((f"{name} is missing", name, _missing, name) for name in ("source.yaml", "map.yaml")),
    *((f"{name} is a folder", name, _folder_instead, name) for name in ("source.yaml", "map.yaml")),
    *((f"{name} is empty", name, _content(b""), name) for name in ("source.yaml", "map.yaml", "profile.yaml")),
    *((f"{name} is binary", name, _content(bytes(range(256))), name) for name in ("source.yaml", "map.yaml")),
    *((f"{name} is huge", name, _huge, name) for name in ("source.yaml", "map.yaml", "profile.yaml")),
    ("profile.yaml is a program", "profile.yaml", _content(b"\x7fELF\x02\x01\x01"), "profile.yaml"),
    ("profile.yaml is missing", "profile.yaml", _missing, "is no folder with a profile.yaml"),
    ("profile.yaml is a pipe", "profile.yaml", _pipe, "is no folder with a profile.yaml"),
    ("a code map links out", "profile.yaml", _linked_code_map, "code map 'uo-ucum'"),
    ("a code map that is not used links out", "profile.yaml", _unused_linked_code_map, "evil.tsv"),
    ("the folder of code maps links out", "profile.yaml", _linked_codes, "code map 'uo-ucum'"),
    ("a code map is a pipe", "codes/evil.tsv", _pipe, "evil.tsv"),
]


@pytest.mark.parametrize(("name", "file", "break_it", "message"), STRUCTURES, ids=[s[0] for s in STRUCTURES])
def test_files_that_are_none_are_refused(
    name: str, file: str, break_it: Callable[[Path, str], None], message: str, folder: Path
) -> None:
    break_it(folder, file)
    with watching() as watch, pytest.raises(HarmonizeError) as error:
        compile_of(folder)
    assert message in str(error.value) and error.value.exit_code == 2
    assert not strangers(watch, folder) and not watch.forbidden


@pytest.mark.parametrize("data", CODE_MAPS.values(), ids=CODE_MAPS)
def test_code_maps_that_are_none_are_refused(data: bytes, folder: Path) -> None:
    (folder / "codes").mkdir()
    (folder / "codes" / "evil.sssom.tsv").write_bytes(data)
    card = folder / "profile.yaml"
    card.write_text(card.read_text().replace("shared:uo-ucum.sssom.tsv", "codes/evil.sssom.tsv"))
    with pytest.raises(SpecificationError, match=r"evil\.sssom\.tsv"):
        compile_of(folder)


@pytest.mark.parametrize("name", ["cases", "demo.yaml"])
def test_cases_and_demo_records_do_not_link_out(name: str, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("title: a secret\n")
    link = folder / "cases" / "evil.yaml" if name == "cases" else folder / name
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    with watching() as watch:
        if name == "cases":
            failed = check_profile(str(folder)).failed
            assert any("evil.yaml" in line and "no ordinary file" in line for line in failed)
        else:
            with pytest.raises(SpecificationError, match="no ordinary file"):
                write_tables(load_profile(str(folder)), 1, 1, tmp_path / "out")
    assert outside not in [path.resolve() for path in watch.opened]


def test_python_keywords_are_mere_names(folder: Path, tmp_path: Path) -> None:
    """A slot may be called like a keyword of Python: it never stands alone in the generated text."""
    changes = {
        "source.yaml": (("      diagnosis:", "      lambda:"), ("DiagnosisRow", "import")),
        "map.yaml": (("populated_from: diagnosis}", "populated_from: lambda}"), ("DiagnosisRow", "import")),
        "profile.yaml": (("slot: diagnosis", "slot: lambda"), ("DiagnosisRow", "import")),
    }
    for file, pairs in changes.items():
        text = (folder / file).read_text("utf-8")
        for old, new in pairs:
            assert old in text, "the test itself is out of step"
            text = text.replace(old, new)
        (folder / file).write_text(text, "utf-8")
    engine = compile_of(folder)
    assert "get('lambda')" in engine.plan.source
    registry = make_registry(tmp_path / "in", subjects=3)
    settings = Settings(str(folder), ("hub",), KEY)
    outcome = convert_files(settings, RunOptions((registry.folder,), tmp_path / "out", max_errors="100%"))
    assert outcome.manifest["counts"]["subjects"]["read"] == 3


def test_the_plan_has_no_builtins(folder: Path) -> None:
    """Whatever might get into the generated text finds neither open nor __import__."""
    derive: Any = compile_of(folder).plan.derive
    assert derive.__globals__["__builtins__"] == {}


def test_the_corpus_is_large() -> None:
    assert len(CASES) + len(STRUCTURES) + len(CODE_MAPS) >= 100
    assert len({case["name"] for case in CASES}) == len(CASES)
