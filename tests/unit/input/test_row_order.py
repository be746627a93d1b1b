"""Documents of subjects brought into the order of their identifiers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.input.row_order import Spool
from tests.properties.effort import examples

KEYS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), max_size=12)


@examples(15)
@given(keys=KEYS, ascending=st.booleans())
def test_documents_come_in_the_order_of_identifiers_and_of_reading(keys: list[str], ascending: bool) -> None:
    keys = sorted(keys, key=str.encode) if ascending else keys
    written = [(key, number, f'{{"{number}"}}'.encode()) for number, key in enumerate(keys)]
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder), "subjects", "text")
        spool.write(written)
        assert list(map(bytes.strip, spool.read(None))) == [
            document for _, _, document in sorted(written, key=lambda item: (item[0].encode(), item[1]))
        ]


@pytest.mark.parametrize("keys", [["9", "10", "2"], ["2", "9", "10"], ["007", "10", "9"]])
def test_numbers_are_ordered_by_length(keys: list[str], tmp_path: Path) -> None:
    spool = Spool(tmp_path, "subjects", "numeric")
    spool.write((key, number, key.encode()) for number, key in enumerate(keys))
    assert [document.strip().decode() for document in spool.read(None)] == sorted(keys, key=lambda key: (len(key), key))


def test_large_documents_need_no_memory_of_the_sorting(tmp_path: Path) -> None:
    """64 MB for DuckDB, 96 MB of documents in the wrong order, with which it once had to sort."""
    spool = Spool(tmp_path, "subjects", "text")
    document = b"x" * 3_000_000
    spool.write((f"{99 - number:02}", number, b"%02d" % number + document) for number in range(32))
    assert [found[:2] for found in spool.read(64 << 20)] == [b"%02d" % number for number in range(31, -1, -1)]
