"""Disclosure control: small counts cannot be worked out from what is shown, by linear programming or by trying all tables."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.errors import CallError
from harmonize.report.count_moves import find_move
from harmonize.report.count_table import CountTable, Sum, compared, linked, nesting, one_way, two_way
from harmonize.report.disclosure import (
    SUPPRESSED,
    DisclosureControl,
    Exact,
    Rounded,
    Suppressed,
    after,
    disclosed,
    rounded,
)
from harmonize.report.suppression import TRIED_CHOICES, Suppression, suppression
from tests.unit.report.count_tables import random_table
from tests.unit.report.disclosure_attack import Attack, Learnt, attack, learnt, sensitive_cells

TABLES = 5_000
CHUNK = 500
AT_ONCE = 20
"""Attacks in one linear program."""


def control_of(seed: int) -> DisclosureControl:
    return DisclosureControl((5, 5, 5, 3, 10, 11)[seed // 8 % 6], hide_zeros=seed // 3 % 5 == 0)


def attacked(seeds: range) -> Iterator[tuple[CountTable, Suppression, DisclosureControl, list[Learnt]]]:
    """Random tables, what is suppressed of them, and what the attacker learns."""
    for start in range(seeds.start, seeds.stop, AT_ONCE):
        cases = []
        for seed in range(start, start + AT_ONCE):
            table, control = random_table(seed), control_of(seed)
            cases.append((table, suppression(table, control.threshold, hide_zeros=control.hide_zeros), control))
        found = learnt([attack(table, result, control.threshold) for table, result, control in cases])
        yield from ((*case, one) for case, one in zip(cases, found, strict=True))


@pytest.mark.parametrize("start", range(0, TABLES, CHUNK))
def test_no_small_count_can_be_worked_out(start: int) -> None:
    check_attack(range(start, start + CHUNK))


def check_attack(seeds: range) -> None:
    """Each small count keeps its whole interval, and what is not suppressed is shown as it is."""
    for table, result, control, found in attacked(seeds):
        top = control.threshold - 1
        least = sensitive_cells(table, result, control.threshold)
        assert result.withheld >= least.keys()
        for one in found:
            if one.target in result.silent:
                assert one.least == 0 and one.greatest >= top
            else:
                assert (one.least, one.greatest) == (least[one.target], top)
        shown = disclosed(table, control)
        assert {key for key, cell in shown.items() if cell is SUPPRESSED} == result.withheld
        assert all(cell == Exact(table.counts[key]) for key, cell in shown.items() if cell is not SUPPRESSED)


def test_the_attacker_finds_what_is_badly_suppressed() -> None:
    """The same attack on tables of which only the small counts are suppressed: it would find what the test above looks for."""
    attacks: list[Attack] = []
    for seed in range(100):
        table = random_table(seed)
        small = frozenset(key for key, count in table.counts.items() if 0 < count < 5)
        attacks.append(attack(table, Suppression(small, frozenset(), frozenset()), 5))
    exact = [[one.least == one.greatest for one in found] for found in learnt(attacks) if found]
    assert sum(map(any, exact)) > len(exact) / 2 > 30


# --- all tables, tried one by one -----------------------------------------------------------------------------------


@st.composite
def small_tables(draw: st.DrawFn) -> CountTable:
    """Tables of a few cells that count so few that all tables can be written down."""
    counts = st.sampled_from([0, 0, 1, 2, 3, 4, 6])
    if draw(st.booleans()):
        return one_way((), {str(n): draw(counts) for n in range(draw(st.integers(1, 4)))})
    return two_way((), {row: {column: draw(counts) for column in "cd"} for row in "ab"})


@settings(max_examples=100, deadline=None)
@given(table=small_tables(), hide_zeros=st.booleans())
def test_all_tables_with_the_same_published_numbers(table: CountTable, hide_zeros: bool) -> None:
    threshold = 3
    result = suppression(table, threshold, hide_zeros=hide_zeros)
    seen = attack(table, result, threshold)
    totals = {one.total for one in table.sums}
    inner = [key for key in table.counts if key not in totals]
    far = max(table.counts.values()) + 4
    values: dict[tuple[str, ...], set[int]] = {key: set() for key in seen.targets}
    ranges = [range(int(low), int(min(high, far)) + 1) for low, high in (seen.limits[key] for key in inner)]
    for combination in itertools.product(*ranges):
        counts = dict(zip(inner, combination, strict=True))
        if _fits(counts, table, seen):
            for key in seen.targets:
                values[key].add(counts[key])
    for key, least in sensitive_cells(table, result, threshold).items():
        expected = set(range(least, threshold))
        assert values[key] >= expected if key in result.silent else values[key] == expected


def _fits(counts: dict[tuple[str, ...], int], table: CountTable, seen: Attack) -> bool:
    """Add the totals to *counts*; whether all is within what the attacker knows."""
    for one in table.sums:
        total = sum(counts[part] for part in one.parts)
        low, high = seen.limits[one.total]
        if not low <= total <= high or counts.setdefault(one.total, total) != total:
            return False
    return True


@settings(max_examples=60, deadline=None)
@given(table=small_tables())
def test_where_there_are_few_choices_none_is_cheaper(table: CountTable) -> None:
    """No choice that withholds less, totals counted with what they are the total of, holds against the attacker."""
    result = suppression(table, 3)
    least, weights = sensitive_cells(table, result, 3), nesting(table)
    extra = result.withheld - least.keys()
    large = [key for key, count in table.counts.items() if count >= 3]
    choices = [c for size in range(len(extra)) for c in combinations(large, size)]
    cheaper = [c for c in choices if sum(weights[key] for key in c) < sum(weights[key] for key in extra)]
    if result.silent or len(choices) > TRIED_CHOICES / 2:
        return
    attacks = [attack(table, replace(result, withheld=frozenset({*least, *choice})), 3) for choice in cheaper]
    for found in learnt(attacks) if attacks else ():
        assert any((one.least, one.greatest) != (least[one.target], 2) for one in found)


# --- what is shown --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ({"a": 93, "b": 3, "c": 11, "d": 0}, "107 93 suppressed suppressed 0"),  # the smaller of two helps
        ({"a": 5, "b": 6, "c": 0}, "11 5 6 0"),
        ({"a": 0, "b": 0}, "0 0 0"),
        ({"a": 2, "b": 3, "c": 40}, "45 suppressed suppressed 40"),  # small ones protect one another
        ({"a": 4, "b": 4, "c": 40}, "48 suppressed suppressed suppressed"),  # 4 + 4 = 8 says what they are
        ({"a": 3, "b": 0}, "suppressed suppressed suppressed"),  # a zero would say where the three are
        ({"a": 1, "b": 1, "c": 1, "d": 1}, "suppressed suppressed suppressed suppressed suppressed"),
        ({"a": 4}, "suppressed suppressed"),
    ],
)
def test_lists(counts: dict[str, int], shown: str) -> None:
    assert " ".join(str(cell) for cell in disclosed(one_way((), counts)).values()) == shown


def test_small_and_other_suppressed_counts_look_alike_and_never_like_zero() -> None:
    cells = disclosed(one_way((), {"small": 3, "large": 11, "zero": 0, "rest": 90}), DisclosureControl(rounding=10))
    assert cells["small",] == cells["large",] == SUPPRESSED and str(cells["small",]) == "suppressed"
    assert cells["zero",] == Rounded(0, 10) and str(cells["zero",]) == "0"
    assert str(cells["rest",]) == "about 90" and not isinstance(cells["rest",], Suppressed)
    assert pickle.loads(pickle.dumps(cells)) == cells


@given(count=st.integers(0, 10**9), base=st.integers(1, 1000))
def test_rounding(count: int, base: int) -> None:
    number = rounded(count, base)
    assert number % base == 0 and (number == 0) == (count == 0)
    assert 2 * abs(number - count) <= base or (number == base > count)
    assert rounded(number, base) == number


def test_rounding_changes_what_is_shown_and_not_what_is_suppressed() -> None:
    for seed in range(0, 200, 3):
        table = random_table(seed)
        exact, about = disclosed(table), disclosed(table, DisclosureControl(rounding=10))
        for key, cell in about.items():
            assert (cell is SUPPRESSED) == (exact[key] is SUPPRESSED)
            assert cell is SUPPRESSED or cell == Rounded(rounded(table.counts[key], 10), 10)


def test_zeros_are_shown_unless_they_are_to_be_hidden() -> None:
    table = two_way((), {"A": {"x": 0, "y": 30}, "B": {"x": 50, "y": 20}})
    assert SUPPRESSED not in disclosed(table).values()
    hidden = disclosed(table, DisclosureControl(hide_zeros=True))
    assert hidden["A", "x"] is hidden["A", "y"] is SUPPRESSED
    impossible = replace(table, impossible=frozenset({("A", "x")}))
    assert SUPPRESSED not in disclosed(impossible, DisclosureControl(hide_zeros=True)).values()


def test_the_same_table_gives_the_same_answer_in_every_process() -> None:
    program = (
        "from tests.unit.report.count_tables import random_table; from harmonize.report.disclosure import disclosed\n"
        "for seed in range(60): print(*map(str, disclosed(random_table(seed)).values()))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1 and b"suppressed" in answers.pop()


def test_a_table_of_a_big_report() -> None:
    """120 items at 12 sites, whose records they share: linked tables of thousands of cells."""
    tables = []
    for item in range(120):
        rows = {}
        for site in range(12):
            small = (item * 7 + site * 3) % 11
            rows[f"site {site}"] = {"filled": 200 + site - small, "missing": small, "n/a": 0}
        tables.append(_shared_sites(f"item {item}", rows))
    table = linked(tables)
    shown = disclosed(table)
    assert len(table.counts) > 4_500
    assert all(
        shown[(f"site {site}",)] == Exact(200 + site) for site in range(12)
    )  # no need to hide how many there are
    assert sum(cell is SUPPRESSED for cell in shown.values()) < len(shown) / 2


def _shared_sites(item: str, rows: dict[str, dict[str, int]]) -> CountTable:
    table = two_way((item,), rows)
    name = {(item, site, "*"): (site,) for site in rows} | {(item, "*", "*"): ("records",)}
    sums = [Sum(name.get(one.total, one.total), tuple(name.get(p, p) for p in one.parts)) for one in table.sums]
    return CountTable({name.get(key, key): count for key, count in table.counts.items()}, tuple(sums))


# --- reports one after the other ------------------------------------------------------------------------------------


def test_a_difference_of_two_reports_is_protected() -> None:
    """Published before: 42. Now 44 would say that two have come."""
    table = compared(("rule",), persisting=42, resolved=0, appeared=2)
    shown = disclosed(after(table, {("rule", "before"): Exact(42)}))
    assert shown["rule", "before"] == Exact(42)
    assert shown["rule", "appeared"] is shown["rule", "after"] is SUPPRESSED


def test_what_was_suppressed_stays_so() -> None:
    first = one_way((), {"a": 3, "b": 11, "c": 90})
    grown = {"a": 6, "b": 11, "c": 90}
    tables = [
        compared((name,), persisting=old, resolved=0, appeared=new - old)
        for (name, old), new in zip({"a": 3, "b": 11, "c": 90}.items(), grown.values(), strict=True)
    ]
    before = {(key[0], "before"): cell for key, cell in disclosed(first).items() if key != ("*",)}
    shown = disclosed(after(linked(tables), before))
    assert shown["a", "before"] is shown["b", "before"] is SUPPRESSED and shown["c", "before"] == Exact(90)
    assert shown["a", "appeared"] is SUPPRESSED


@pytest.mark.parametrize(
    ("earlier", "message"),
    [
        ({("b",): Exact(11), ("*",): Exact(14)}, "can be worked out from what was published before"),
        ({("a",): Exact(3)}, "was published and is below the threshold 5"),
        ({("b",): Exact(12)}, "is not the same now"),
        ({("x",): SUPPRESSED}, "is not in the table"),
    ],
)
def test_what_is_out_cannot_be_taken_back(earlier: dict[tuple[str, ...], Exact], message: str) -> None:
    with pytest.raises(CallError, match=message):
        disclosed(after(one_way((), {"a": 3, "b": 11}), earlier))


# --- wrong calls ----------------------------------------------------------------------------------------------------

A, B, C = ("a",), ("b",), ("c",)


@pytest.mark.parametrize(
    ("counts", "sums", "more", "message"),
    [
        ({A: -1}, (), {}, "a is negative"),
        ({A: 3, B: 2}, (Sum(A, (B,)),), {}, "a is not the sum of its parts"),
        ({A: 2}, (Sum(A, (B,)),), {}, "b is in a sum and not in the table"),
        ({A: 0}, (Sum(A, ()),), {}, "sum of nothing"),
        ({A: 4, B: 2}, (Sum(A, (B, B)),), {}, "one cell twice"),
        ({A: 2, B: 2, C: 2}, (Sum(A, (B,)), Sum(B, (C,)), Sum(C, (A,))), {}, "is part of itself"),
        ({A: 2}, (), {"impossible": frozenset({A})}, "impossible and is not zero"),
        ({A: 7}, (), {"published": frozenset({A}), "withheld": frozenset({A})}, "withheld and known"),
    ],
)
def test_tables_that_do_not_hold_are_refused(counts: dict, sums: tuple, more: dict, message: str) -> None:
    with pytest.raises(CallError, match=message):
        CountTable(counts, sums, **more)


def test_tables_that_differ_in_a_cell_are_not_linked() -> None:
    with pytest.raises(CallError, match="not the same in two tables"):
        linked([one_way(("x",), {"a": 1}, total=("all",)), one_way(("y",), {"a": 2}, total=("all",))])


@pytest.mark.parametrize("wrong", [{"threshold": 2}, {"threshold": 0}, {"rounding": 0}])
def test_controls_that_protect_nobody_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(CallError, match="To mend it"):
        DisclosureControl(**wrong)


def test_moves_keep_all_sums() -> None:
    from harmonize.report.suppression import _Cells

    for seed in range(0, 400, 7):
        table = random_table(seed)
        cells = _Cells(table, 5, hide_zeros=False)
        for target in cells.sensitive():
            for step in (1, -1):
                move = find_move(cells.structure, cells.counts, target, step, cells.limits) or {}
                for of_sum in cells.structure.cells:
                    assert sum(sign * move.get(cell, 0) for cell, sign in of_sum) == 0
