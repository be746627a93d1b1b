"""The report: counts that merge in any grouping, a page into which no text can break."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harmonize.findings import Cell, Finding, Severity
from harmonize.report.summary import RuleCounts, markdown, percent, summary_text
from tests.registry import Registry, convert

FINDINGS = st.lists(
    st.tuples(st.sampled_from(["terms.obsolete", "source.date", "privacy.consent-not-stated"]), st.integers(0, 5)),
    max_size=12,
)


def counted(part: list[tuple[str, int]], subject: str) -> RuleCounts:
    counts = RuleCounts()
    for rule, row in part:
        counts.add(Finding(rule, Severity.WARNING, "m", subject=f"{subject}", cell=Cell("a.csv", row, "b")))
    return counts


def merged(*parts: RuleCounts) -> RuleCounts:
    total = RuleCounts()
    for part in parts:
        total.merge(part)
    return total


@given(parts=st.tuples(FINDINGS, FINDINGS, FINDINGS))
def test_merging_is_associative(parts: tuple[list[Any], list[Any], list[Any]]) -> None:
    def made() -> list[RuleCounts]:
        return [counted(part, f"subject-{number}") for number, part in enumerate(parts)]

    a, b, c = made()
    left = merged(merged(a, b), c)
    a, b, c = made()
    right = merged(a, merged(b, c))
    assert left.documents() == right.documents()
    assert sum(entry["findings"] for entry in left.documents()) == sum(map(len, parts))
    for entry in left.documents():
        assert entry["subjects"] == sum(any(rule == entry["rule"] for rule, _ in part) for part in parts)


@given(part=st.integers(0, 10**9), more=st.integers(0, 10**9))
def test_percentages_never_round_up_to_all_or_down_to_nothing(part: int, more: int) -> None:
    whole = part + more
    text = percent(part, whole)
    if whole:
        assert (text == "100 %") == (part == whole)
        assert (text == "0.0 %") == (part == 0)


def test_the_summary_holds_the_sums_of_the_manifest(registry: Registry, tmp_path: Any) -> None:
    run = convert(registry.folder, tmp_path / "out")
    text = summary_text(run.outcome.report)
    subjects = run.counts["subjects"]
    assert f"{subjects['read']} read = {subjects['converted']} converted" in text
    for target, total in run.outcome.report["values"].items():
        columns = run.counts["values"][target].values()
        assert total["read"] == sum(c["read"] for c in columns) and total["carried"] == sum(
            c["carried"] for c in columns
        )
    assert sum(run.outcome.report["findings"].values()) == len(run.findings(info=True))


def test_percentages_are_of_what_the_profile_maps(registry: Registry, tmp_path: Any) -> None:
    """Whoever is skipped or not: columns that are left out on purpose are in no denominator."""
    whole = convert(registry.folder, tmp_path / "whole", consent="record").outcome.report
    part = convert(registry.folder, tmp_path / "part", consent="record", limit=5).outcome.report
    for target, total in whole["mapped_values"].items():
        assert total["read"] == part["mapped_values"][target]["read"] < whole["values"][target]["read"]
    nobody = convert(registry.folder, tmp_path / "nobody", limit=0).outcome.report
    assert "NOTHING WAS CONVERTED" in summary_text(nobody) and "NOTHING" not in summary_text(whole)


def test_markdown_cannot_be_broken_by_a_name(registry: Registry, tmp_path: Any) -> None:
    report = convert(registry.folder, tmp_path / "out").outcome.report
    evil = "a|b\n# <script>alert(1)</script> [x](javascript:y)"
    page = markdown(
        {
            **report,
            "run": {**report["run"], "site": evil},
            "rows": {evil: {"read": 1, "used": 1, "rejected": 0, "skipped": 0}},
        }
    )
    assert "<script>" not in page and "\n# \\<" not in page and "[x](" not in page
    assert len(page.encode()) <= 64_000
