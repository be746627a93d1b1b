"""YAML traps: texts stay texts, everything that refers, runs, repeats or explodes is refused with file and line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harmonize.errors import SpecificationError
from harmonize.terminology.strict_yaml import MAX_BYTES, MAX_DEPTH, MAX_NODES, load_strict_yaml
from tests.hostile.measure import MAX_MEGABYTES, measured
from tests.hostile.profiles import watching

DATA = Path(__file__).parent / "yaml" / "cases.jsonl"
CASES: list[dict[str, str]] = [json.loads(line) for line in DATA.read_text("utf-8").splitlines() if line[0] == "{"]
KEPT = [case for case in CASES if "kept" in case]
REFUSED = [case for case in CASES if "refused" in case]

BYTES = {
    "invalid UTF-8": b"a: \xff\xfe",
    "latin-1": "a: é".encode("latin-1"),
    "UTF-16 with mark": "a: 1".encode("utf-16"),
    "UTF-16 without mark": "a: 1".encode("utf-16-le"),
    "UTF-32": "a: 1".encode("utf-32"),
    "overlong UTF-8": b"a: \xc0\xaf",
    "encoded surrogate": b"a: \xed\xa0\x80",
    "cut off in a character": "a: é".encode()[:-1],
    "NUL": b"a: \x00",
    "gzip": b"\x1f\x8b\x08\x00abc",
    "ELF": b"\x7fELF\x02\x01\x01\x00",
    "all bytes": bytes(range(256)),
}

BOMBS: dict[str, Callable[[], str]] = {
    "too deep in flow style": lambda: "[" * 100_000,
    "too deep in block style": lambda: "\n".join(" " * depth + "a:" for depth in range(MAX_DEPTH + 2)) + " 1",
    "dashes": lambda: "- " * (MAX_DEPTH + 1) + "x",
    "question marks": lambda: "? " * 10_000 + "x",
    "one node too many": lambda: "[" + "a," * MAX_NODES + "]",
    "many empty lists": lambda: "[" + "[]," * 1_000_000 + "]",
    "a huge key above many nodes": lambda: "? " + "k" * 1_000_000 + "\n: [" + "a," * 90_000 + "]",
    "long keys above many nodes": lambda: (
        "".join(" " * depth + "k" * 1_000 + f"{depth}:\n" for depth in range(60)) + " " * 60 + "[" + "a," * 90_000 + "]"
    ),
    "long name": lambda: "a" * 4_000_000 + ": 1",
    "many directives": lambda: "%X\n" * 50_000,
    "many documents": lambda: "---\n" * 50_000,
    "one byte too large": lambda: "a: " + "x" * (MAX_BYTES - 2),
    "alias bomb": lambda: "a0: &a0 x\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1},' * 9}]\n" for i in range(1, 20)),
    "merge bomb": lambda: "a: &a {x: 1}\n" + "b: {<<: [" + "*a," * 10_000 + "]}",
}


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case["kept"])
def test_texts_are_kept(case: dict[str, str]) -> None:
    assert load_strict_yaml(case["kept"], name="x.yaml")[0] == {"v": case["as"]}


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["because"])
def test_traps_are_refused(case: dict[str, str], tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"
    with watching() as watch, pytest.raises(SpecificationError) as error:
        load_strict_yaml(case["refused"].replace("SENTINEL", str(sentinel)), name="x.yaml")
    assert str(error.value).startswith("x.yaml:"), "the message names file and line"
    assert error.value.line is not None and error.value.line >= 1
    assert not watch.opened and not watch.forbidden and not sentinel.exists()


@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
def test_bytes_that_are_no_text_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    with pytest.raises(SpecificationError) as error:
        load_strict_yaml(path, name="x.yaml")
    assert "x.yaml" in str(error.value)


def load_bomb(name: str) -> str:
    """Run in a process of its own: what is said of the bomb *name*."""
    try:
        load_strict_yaml(BOMBS[name](), name="x.yaml")
    except SpecificationError as error:
        return str(error)
    return "accepted"


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_with_little_memory(name: str) -> None:
    result = measured(load_bomb, name)
    assert result.answer.startswith("x.yaml"), result.answer
    assert result.megabytes <= MAX_MEGABYTES, result
    # A file of a profile is written by people and read once: its parser is Python, and seconds for megabytes are borne.
    assert result.seconds <= 10, result


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(20_000_000_000)  # sparse: it takes no room on disk
    with pytest.raises(SpecificationError, match="larger than"):
        load_strict_yaml(path, name="huge.yaml")


def test_the_largest_allowed_is_read() -> None:
    deep: Any = load_strict_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, name="x.yaml")[0]
    assert isinstance(deep, list)
    assert load_strict_yaml("", name="x.yaml")[0] == {}
    assert len(load_strict_yaml("[" + "a," * 20_000 + "]", name="x.yaml")[0]) == 20_000


def test_the_corpus_is_large() -> None:
    assert len(KEPT) >= 80 and len(REFUSED) >= 80
