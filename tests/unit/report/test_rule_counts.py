"""Counts that add up in any grouping and any order."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harmonize.findings import Cell, Finding, Severity
from harmonize.report.rule_counts import EXAMPLES, RuleCounts

FINDINGS = st.lists(
    st.tuples(st.sampled_from(["terms.obsolete", "source.date", "privacy.consent-not-stated"]), st.integers(0, 5)),
    max_size=12,
)


def counted(part: list[tuple[str, int]], subject: str) -> RuleCounts:
    counts = RuleCounts()
    for rule, row in part:
        counts.add(Finding(rule, Severity.WARNING, "m", subject=subject, cell=Cell("a.csv", row, "b")))
    return counts


def merged(*parts: RuleCounts) -> RuleCounts:
    total = RuleCounts()
    for part in parts:
        total.merge(part)
    return total


def seen(counts: RuleCounts) -> Any:
    return counts.findings, counts.subjects, counts.examples, counts.notes


@given(parts=st.lists(FINDINGS, min_size=3, max_size=3), seed=st.integers(0, 100))
def test_merging_is_associative_and_commutative(parts: list[list[Any]], seed: int) -> None:
    def made() -> list[RuleCounts]:
        return [counted(part, f"subject-{number}") for number, part in enumerate(parts)]

    a, b, c = made()
    left = merged(merged(a, b), c)
    a, b, c = made()
    right = merged(a, merged(b, c))
    shuffled = made()
    random.Random(seed).shuffle(shuffled)
    assert seen(left) == seen(right) == seen(merged(*shuffled))
    assert sum(left.findings.values()) == sum(map(len, parts))
    for rule, subjects in left.subjects.items():
        assert subjects == sum(any(rule == name for name, _ in part) for part in parts)


@given(rows=st.lists(st.integers(2, 50), min_size=1, max_size=30))
def test_the_examples_are_the_first_places_whatever_comes_first(rows: list[int]) -> None:
    counts = RuleCounts()
    for row in rows:
        counts.add(Finding("source.date", Severity.ERROR, "m", cell=Cell("a.csv", row, "b")))
    kept = [example["source"]["row"] for example in counts.examples["source.date"]]
    assert kept == sorted(rows)[:EXAMPLES]
