"""YAML as data: texts stay texts, and what is dangerous or ambiguous is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmonize.errors import SpecificationError
from harmonize.terminology.strict_yaml import MAX_BYTES, load_strict_yaml

TEXTS = {
    "NO": "NO",
    "no": "no",
    "012": "012",
    "12:30": "12:30",
    "1e3": "1e3",
    "1990-01-01": "1990-01-01",
    "~": "~",
    "0x1F": "0x1F",
    "true": "true",
}


@pytest.mark.parametrize(("written", "read"), TEXTS.items())
def test_scalars_are_texts(written: str, read: str) -> None:
    assert load_strict_yaml(f"key: {written}", name="x.yaml")[0] == {"key": read}


def test_lines_are_known() -> None:
    assert load_strict_yaml("a:\n  b:\n    - c\n", name="x.yaml")[1]["/a/b/0"] == 3


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2", "a: &x 1\nb: *x", "a: *x", "a: !!python/object/apply:os.system [ls]", "a: !tag 1", "a: [", "a: \"", "\t- x", "- " * 100 + "x",
        "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]", "<<: {a: 1}", "---\na: 1\n---\nb: 1", "? [a]\n: b",
        "a: {b: 1, b: 2}", "[" * 3000,
    ],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(SpecificationError) as error:
        load_strict_yaml(text, name="x.yaml")
    assert "x.yaml" in str(error.value)


def test_size_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"a: " + b"x" * MAX_BYTES)
    with pytest.raises(SpecificationError, match=r"large|big|bytes"):
        load_strict_yaml(path, name="big.yaml")
