"""Rows are brought into one order, whoever sorts them: our lines, a Parquet file, Python."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.input.row_order import Sorting, sorted_rows
from harmonize.input.subjects import order_key
from harmonize.profiles.source_record import RawRow
from tests.properties.effort import examples

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=4)
KEYS = st.lists(
    TEXTS.filter(str.strip), min_size=1, max_size=12
)  # a row without a key names no subject and is rejected


@pytest.mark.parametrize("order", ["numeric", "text"])
@examples(25)
@given(keys=KEYS)
def test_lines_are_sorted_as_python_sorts_keys(order: str, keys: list[str]) -> None:
    rows = [RawRow(number, [key]) for number, key in enumerate(keys, start=2)]
    with tempfile.TemporaryDirectory() as folder:
        found = [row for block in sorted_rows([rows], Sorting(0, order), Path(folder), "t") for row in block]
    assert [row.number for row in found] == [
        row.number for row in sorted(rows, key=lambda row: (order_key(row.cells[0].strip(), order), row.number))
    ]


@examples(25)
@given(keys=KEYS)
def test_stored_tables_are_sorted_as_python_sorts_keys(keys: list[str]) -> None:
    from harmonize.input.database_tables import _order_by

    session = duckdb.connect()
    session.execute("CREATE TABLE t (k VARCHAR, n BIGINT)")
    session.executemany("INSERT INTO t VALUES (?, ?)", [[key, number] for number, key in enumerate(keys)])
    found = session.execute(f"SELECT k FROM t{_order_by('k', 'n')}").fetchall()
    assert [key for (key,) in found] == sorted(keys, key=lambda key: order_key(key.strip(), "numeric"))
