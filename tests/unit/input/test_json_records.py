"""JSON arrays read piece by piece: what the whole file says, whatever the pieces; and where it breaks, what was before."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.errors import InputError
from harmonize.input.json_records import CHUNK, DoubledKeys, array_records
from harmonize.input.log import ReadLog
from tests.properties.effort import examples

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.lists(st.dictionaries(TEXT, VALUES, max_size=4), max_size=5)


def read(data: bytes) -> tuple[list[dict[str, Any]], ReadLog]:
    """The objects of a file that holds *data*, and what is said of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export.json")
        path.write_bytes(data)
        log = ReadLog()
        found = list(array_records(path, log))
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    return [record for _, record in found], log


def texts(value: Any) -> Any:
    """*value* with its numbers as they are written."""
    if isinstance(value, dict):
        return {name: texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [texts(item) for item in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return json.dumps(value) if is_number else value


@examples(150)
@given(records=RECORDS, indent=st.sampled_from([None, 0, 3]), ascii_only=st.booleans())
def test_what_is_written_is_read(records: list[dict[str, Any]], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(records, indent=indent, ensure_ascii=ascii_only)
    found, log = read(text.encode())
    assert found == texts(records)
    assert not log.findings and not log.partly


@examples(150)
@given(records=RECORDS.filter(bool), data=st.data())
def test_a_file_that_ends_early_gives_what_is_whole(records: list[dict[str, Any]], data: st.DataObject) -> None:
    whole = json.dumps(records).encode()
    found, log = read(whole[: data.draw(st.integers(1, len(whole) - 1))])
    assert found == texts(records)[: len(found)]
    assert log.partly and [finding.rule for finding in log.findings] == ["source.cut-off"]
    assert log.findings[0].cell is not None and log.findings[0].cell.row == len(found) + 1


@pytest.mark.parametrize("shift", range(6))
def test_a_record_may_lie_across_pieces(shift: int) -> None:
    long = "é" * (CHUNK - shift)
    records = [{"a": long, "b": 1.50}, {"a": "x"}, {"a": long * 3}, {"a": "y"}]
    found, log = read(json.dumps(records, ensure_ascii=False).encode())
    assert [record["a"] for record in found] == [record["a"] for record in records] and not log.partly


def test_numbers_keep_what_is_written() -> None:
    found, _ = read(b'[{"a": 7.20, "b": 1e400, "c": -0, "d": 123456789012345678901234567890.10}]')
    assert found == [{"a": "7.20", "b": "1e400", "c": "-0", "d": "123456789012345678901234567890.10"}]


def test_a_key_that_stands_twice_is_known() -> None:
    ((first, second), _) = read(b'[{"a": "1", "a": "2"}, {"a": "1"}]')
    assert isinstance(first, DoubledKeys) and not isinstance(second, DoubledKeys)


@pytest.mark.parametrize(
    "broken",
    [b'[{"a": 1} {"a": 2}]', b'[{"a": 1},, {"a": 2}]', b'[{"a": 1}, {"a": NaN}]', b'[{"a": 1}, {"a": 01}]',
     b'[{"a": 1}, {"a": "\x01"}]', b'[{"a": 1}, {a: 2}]', b'[{"a": 1}, {"a": ' + b"[" * 100_000],
)  # fmt: skip
def test_what_breaks_later_is_said_and_the_rest_kept(broken: bytes) -> None:
    found, log = read(broken)
    assert found == [{"a": "1"}]
    assert log.partly and [finding.rule for finding in log.findings] == ["source.cut-off"]


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"null", b'"[]"', b"record_id,sex\n1,2\n", b"\xff\xfe[\x00", b'[{"a": "\xff"}]']
)
def test_what_is_no_array_is_refused(data: bytes) -> None:
    with pytest.raises(InputError) as refused:
        read(data)
    assert refused.value.fix
