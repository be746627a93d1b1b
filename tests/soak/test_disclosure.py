"""Disclosure control against integer programs, ten times the tables of the unit tests."""

from __future__ import annotations

import pytest

from tests.unit.report.test_disclosure import CHUNK, TABLES, check_attack


@pytest.mark.parametrize("start", range(TABLES, 11 * TABLES, 2 * CHUNK))
def test_no_small_count_can_be_worked_out(start: int) -> None:
    check_attack(range(start, start + 2 * CHUNK))
