"""Rows are brought into one order, whoever sorts them: our lines, a stored table, Python."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.input.opening import Opening
from harmonize.input.row_order import Sorting, sorted_rows
from harmonize.input.subjects import RowsOutOfOrder, order_key
from harmonize.profiles.loading import load_profile
from harmonize.profiles.source_record import RawRow
from harmonize.readers import open_source
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


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    "keys", [["ab", "\u00e9"], ["\u00e9", "ab"], ["\t5", "12", "7"], ["\U0001d7d8", "\uffee", "9"], ["3\u00a0", "10"]]
)
def test_a_source_of_odd_identifiers_ends_in_order(tmp_path: Path, suffix: str, keys: list[str]) -> None:
    """Where DuckDB and Python order texts otherwise the reading begins anew once, and not for ever."""
    (tmp_path / "in").mkdir()
    rows = " UNION ALL ".join(
        f"SELECT '{key}' AS person_id, '8507' AS gender_concept_id, '1970' AS year_of_birth" for key in keys
    )
    kind = "parquet" if suffix == "parquet" else "csv, header"
    duckdb.connect().execute(f"COPY ({rows}) TO '{tmp_path}/in/person.{suffix}' (FORMAT {kind})")
    found, to_sort = None, frozenset[str]()
    for number in range(3):
        source = open_source(
            Opening(load_profile("intl/omop-5.4"), (tmp_path / "in",), tmp_path / f"work{number}", to_sort)
        )
        try:
            found = [subject.key for subject in source.subjects()]
            break
        except RowsOutOfOrder as error:
            to_sort |= {error.table}
    rejected = len(source.log.rejected)  # identifiers that are no numbers
    assert found == sorted(found or [], key=lambda key: order_key(key, "numeric")) and len(found) + rejected == len(
        keys
    )
