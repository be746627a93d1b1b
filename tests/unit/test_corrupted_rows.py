"""Damaged rows: the account is exact to the row, and the other rows arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.profiles.loading import load_profile
from harmonize.synthesis.tables import write_tables
from tests.corrupted_rows import corrupt
from tests.registry import KEY, RECORDED

TABLES = ("measurement", "drug_exposure", "condition_occurrence", "visit_occurrence", "observation")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("jobs", [1, 2])
def test_one_row_in_a_hundred(tmp_path: Path, seed: int, jobs: int) -> None:
    profile = load_profile("intl/omop-5.4")
    write_tables(profile, 150, seed, tmp_path / "in")
    expected = {table: corrupt(tmp_path / "in" / f"{table}.csv", 0.02, seed) for table in TABLES}
    settings = Settings(profile.id, ("hub", "phenopackets"), KEY, "s", "record", RECORDED)
    options = RunOptions((tmp_path / "in",), tmp_path / "out", jobs, max_errors="100%")
    counts = convert_files(settings, options).manifest["counts"]
    for table, (read, rejected) in expected.items():
        found = counts["rows"][f"{table}.csv"]
        assert (found["read"], found["rejected"]) == (read, rejected), table
        assert found["used"] == read - rejected
    for columns in counts["values"].values():
        for name, column in columns.items():
            parts = [number for outcome, number in column.items() if outcome != "read"]
            assert column["read"] == sum(parts) and min(parts) >= 0, name
