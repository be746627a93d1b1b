"""Documents of subjects brought into the order of their identifiers."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.input.subject_spool import Spool
from tests.properties.effort import examples

KEYS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), max_size=12)


@examples(15)
@given(keys=KEYS, ascending=st.booleans(), run=st.integers(1, 14))
def test_documents_come_in_the_order_of_identifiers_and_of_reading(keys: list[str], ascending: bool, run: int) -> None:
    keys = sorted(keys, key=str.encode) if ascending else keys
    written = [(key, number, f'{{"{number}"}}'.encode()) for number, key in enumerate(keys)]
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder), "subjects", "text", run)
        spool.write(written)
        assert list(map(bytes.strip, spool.read())) == [
            document for _, _, document in sorted(written, key=lambda item: (item[0].encode(), item[1]))
        ]


@pytest.mark.parametrize("keys", [["9", "10", "2"], ["2", "9", "10"], ["007", "10", "9"]])
def test_numbers_are_ordered_by_length(keys: list[str], tmp_path: Path) -> None:
    spool = Spool(tmp_path, "subjects", "numeric")
    spool.write((key, number, key.encode()) for number, key in enumerate(keys))
    assert [document.strip().decode() for document in spool.read()] == sorted(keys, key=lambda key: (len(key), key))


def test_neither_documents_nor_identifiers_take_memory(tmp_path: Path) -> None:
    """60 MB of documents and 200,000 identifiers in the wrong order; it once took DuckDB hundreds of megabytes to sort these."""
    spool = Spool(tmp_path, "subjects", "text", run=5_000)
    tracemalloc.start()
    spool.write((f"{199_999 - number:06}", number, b"%06d" % number + b"x" * 300) for number in range(200_000))
    numbers = (int(found[:6]) for found in spool.read())
    assert all(number == 199_999 - place for place, number in enumerate(numbers))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000
