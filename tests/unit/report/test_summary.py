"""The summary and the Markdown page: sums of the manifest, shares that do not flatter, a page into which no text can break."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harmonize.report.markdown import MAX_BYTES, markdown
from harmonize.report.page import html_page
from harmonize.report.summary import summary_text
from harmonize.report.totals import findings_by_severity, percent, skipped_by_consent, skipped_by_limit, values_of
from tests.registry import Registry, convert


@given(part=st.integers(0, 10**9), more=st.integers(0, 10**9))
def test_percentages_never_round_up_to_all_or_down_to_nothing(part: int, more: int) -> None:
    whole = part + more
    text = percent(part, whole)
    if whole:
        assert (text == "100 %") == (part == whole)
        assert (text == "0.0 %") == (part == 0)
        shown = Fraction(text.lstrip("< ").removesuffix(" %"))
        exact = Fraction(100 * part, whole)
        assert abs(shown - exact) <= Fraction(1, 20) or text in ("< 0.1 %", "99.9 %")


def test_the_summary_holds_the_sums_of_the_manifest(registry: Registry, tmp_path: Any) -> None:
    run = convert(registry.folder, tmp_path / "out")
    report = run.outcome.report
    text = summary_text(report)
    subjects = run.counts["subjects"]
    assert f"{subjects['read']} read = {subjects['converted']} converted" in text
    for target in report["accounting"]["values"]:
        columns, total = run.counts["values"][target].values(), values_of(report, target)
        assert total["read"] == sum(c["read"] for c in columns) and total["carried"] == sum(
            c["carried"] for c in columns
        )
    assert sum(findings_by_severity(report).values()) == len(run.findings(info=True))


def test_percentages_are_of_what_the_profile_maps(registry: Registry, tmp_path: Any) -> None:
    """Whoever is skipped or not: columns that are left out on purpose are in no denominator."""
    whole = convert(registry.folder, tmp_path / "whole", consent="record").outcome.report
    part = convert(registry.folder, tmp_path / "part", consent="record", limit=5).outcome.report
    for target in whole["accounting"]["values"]:
        mapped = values_of(whole, target, mapped_only=True)["read"]
        assert mapped == values_of(part, target, mapped_only=True)["read"] < values_of(whole, target)["read"]
    nobody = convert(registry.folder, tmp_path / "nobody", limit=0).outcome.report
    assert "NOTHING WAS CONVERTED" in summary_text(nobody) and "NOTHING" not in summary_text(whole)


def test_who_was_left_out_by_a_limit_is_said_first_and_who_refused_is_not(registry: Registry, tmp_path: Any) -> None:
    whole = convert(registry.folder, tmp_path / "whole").outcome.report
    refused = whole["accounting"]["subjects"]["skipped"]
    assert refused and skipped_by_consent(whole) == refused and not skipped_by_limit(whole)
    part = convert(registry.folder, tmp_path / "part", limit=5).outcome.report
    subjects = part["accounting"]["subjects"]
    assert skipped_by_limit(part) == subjects["read"] - 5
    assert skipped_by_limit(part) + skipped_by_consent(part) == subjects["skipped"]
    recorded = convert(registry.folder, tmp_path / "recorded", consent="record", limit=5).outcome.report
    assert skipped_by_limit(recorded) == recorded["accounting"]["subjects"]["skipped"] and not skipped_by_consent(
        recorded
    )
    said = f"--limit left out {subjects['read'] - 5}"
    body = html_page(part).partition("<body>")[2]
    assert (
        said in body.partition("</p>")[0] and said in markdown(part).partition("\n")[0] and said in summary_text(part)
    )
    assert f"({refused} for want of consent)" in html_page(whole)
    assert all("--limit left out" not in text(whole) for text in (html_page, markdown, summary_text))


def test_nothing_converted_is_no_clean_report(registry: Registry, tmp_path: Any) -> None:
    nobody = convert(registry.folder, tmp_path / "nobody", limit=0).outcome.report
    assert "says nothing" in html_page(nobody).partition("<main")[0]


def test_markdown_cannot_be_broken_by_a_name(registry: Registry, tmp_path: Any) -> None:
    report = convert(registry.folder, tmp_path / "out").outcome.report
    evil = "a|b\n# <script>alert(1)</script> [x](javascript:y)"
    rows = {evil + str(number): {"read": 1, "used": 1, "rejected": 0, "skipped": 0} for number in range(2_000)}
    page = markdown(
        {
            **report,
            "runs": [{**report["runs"][0], "site": evil}],
            "accounting": {**report["accounting"], "rows": rows},
        }
    )
    assert "<script>" not in page and "\n# \\<" not in page and "[x](" not in page
    assert len(page.encode()) <= MAX_BYTES and "cut at 64 KB" in page
