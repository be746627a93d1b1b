"""report.html: what stands in it, that it asks for nothing, that no text of others is more than text, and how large it gets."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import hashlib
import itertools
import re
import string
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harmonize.checks.catalogue import rules
from harmonize.errors import UnknownNameError
from harmonize.report import charts
from harmonize.report.comparison import compared
from harmonize.report.page import html_page
from harmonize.report.page_parts import (
    by_site,
    carried_by_target,
    check_lines,
    gaps_of,
    heat_maps,
    problems,
    why_not_checked,
)
from harmonize.report.page_texts import languages, page_texts
from harmonize.report.report_file import read_report, write_report
from harmonize.report.summary import summary_text
from harmonize.report.verdict import Verdict, verdict_on
from harmonize.safe_text import plain
from tests.synthetic_reports import synthetic_report
from tests.unit.test_safe_text import PAYLOADS, Page

TODAY = dt.date(2026, 1, 31)
SECTIONS = [
    "changes", "problems", "completeness", "mapping", "targets", "plausibility", "sites", "accounting", "checks", "provenance", "glossary",
]  # fmt: skip


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return synthetic_report(200)


@pytest.fixture(scope="module")
def page(report: dict[str, Any]) -> str:
    return rendered(report)


def rendered(report: dict[str, Any], language: str = "en") -> str:
    """With everything that a page can have: a verdict, and the changes since a baseline in which less was found."""
    before = copy.deepcopy(report)
    for number, check in enumerate(before["checks"]):
        check["findings"] = {name: found // (number % 3 + 1) for name, found in check["findings"].items()}
        check["subjects"] //= number % 3 + 1
    verdict = verdict_on(report, fail_on=("error",), today=TODAY)
    return html_page(report, verdict, compared(before, report), language=language)


def test_the_synthetic_report_keeps_the_schema(report: dict[str, Any], tmp_path: Path) -> None:
    write_report(tmp_path / "report.json", report)
    assert read_report(tmp_path) == report


def test_sections_headings_and_ids(page: str) -> None:
    elements = Page(page).elements
    ids = [value for _, attributes in elements for name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    linked = {
        str(value).removeprefix("#") for _, attributes in elements for name, value in attributes if name == "href"
    }
    assert linked <= set(ids) and set(SECTIONS) <= linked
    assert [one for one in ids if one in SECTIONS] == SECTIONS
    levels = [int(tag[1]) for tag, _ in elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    assert Counter(tag for tag, _ in elements)["table"] == Counter(tag for tag, _ in elements)["caption"]


def test_it_asks_for_nothing_and_runs_nothing_but_its_own_script(page: str) -> None:
    elements = Page(page).elements
    policy = next(
        dict(a)["content"] for tag, a in elements if tag == "meta" and ("http-equiv", "Content-Security-Policy") in a
    )
    assert policy and policy.startswith("default-src 'none'; ")
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    names = {name for _, attributes in elements for name, _ in attributes}
    assert not names & {"src", "style", "action", "srcset", "xlink:href", "ping", "formaction"}
    assert not [name for name in names if name.startswith("on")]
    assert all(str(value).startswith("#") for _, a in elements for name, value in a if name == "href")
    assert not re.search(r"url\(|@import|https?:", re.sub(r"xmlns=\S+", "", page))


def test_the_same_report_gives_the_same_bytes(report: dict[str, Any], page: str) -> None:
    assert rendered(copy.deepcopy(report)) == page


# --- the first screen -----------------------------------------------------------------------------------------------


def test_the_verdict_stands_first_then_the_subjects_then_the_worst_problems(report: dict[str, Any]) -> None:
    worst = [line.check["title"] for line in check_lines(report)][:3]
    for verdict, has_limits, word in (
        (Verdict(failures=("a limit",)), True, "Fails"),
        (Verdict(), True, "Passes"),
        (Verdict(), False, "No verdict"),
        (None, True, "No verdict"),
    ):
        text = Page(html_page(report, verdict, has_limits=has_limits)).text
        text = text[text.index("Skip to the content") :]
        places = [text.index(word), text.index("999,300 of 1,000,000"), *(text.index(title) for title in worst)]
        assert places == sorted(places)
        assert places[-1] < text.index("Changes since the baseline")


def test_the_first_screen_says_what_came_through_and_what_data_sets_lack(report: dict[str, Any]) -> None:
    text = Page(html_page(report)).text.partition("Changes since the baseline")[0]
    files = len(report["accounting"]["rows"])
    assert {(one.carried, one.mapped) for one in carried_by_target(report)} == {(60 * (files - 1), 100 * (files - 1))}
    assert "hub 60.0 %" in text and "100 more stand in columns that it leaves out" in text
    (gaps,) = gaps_of(report)
    asked = [one for one in report["datasets"][0]["items"] if one["level"] in ("mandatory", "conditional")]
    assert gaps.asked == len(asked) and gaps.kept == 0
    assert [line.item["id"] for line in gaps.worst] == [one["id"] for one in asked[:3]]
    assert f"0 of {len(asked)} items asked for" in text and "Thing, Item 0 (1,610 of 1,620)" in text
    strict = {**report["datasets"][0], "level": "optional"}
    (gaps,) = gaps_of({**report, "datasets": [strict]})
    assert gaps.asked == len(strict["items"])
    others = {**report, "datasets": [], "accounting": {**report["accounting"], "subjects": {}, "values": {}}}
    text = Page(html_page(others)).text.partition("Changes since the baseline")[0]
    assert "Values carried" not in text and "Data sets" not in text


def test_one_finding_is_not_called_findings(report: dict[str, Any]) -> None:
    alone = copy.deepcopy(report)
    one = next(check for check in alone["checks"] if check["findings"]["warning"])
    one["findings"] = {"fatal": 0, "error": 0, "warning": 1, "info": 0}
    text = Page(html_page({**alone, "checks": [one]})).text
    assert "1 warning," in text and "1 warnings" not in text and "The worst problem" in text


def test_why_it_fails_stands_under_the_verdict(report: dict[str, Any]) -> None:
    text = Page(html_page(report, Verdict(failures=("a certain limit",), warnings=("a certain warning",)))).text
    worst = text.index("The 3 worst problems")
    assert text.index("Why it fails") < text.index("a certain limit") < worst < text.index("a certain warning")


def test_a_partial_run_says_so_in_the_first_line() -> None:
    shown = html_page(synthetic_report(3, status="partial"))
    body = shown[shown.index("<body>") + len("<body>") :]
    assert Page(body).text.strip().startswith("PARTIAL:")
    assert "PARTIAL" not in html_page(synthetic_report(3))


def test_problems_are_ranked_by_subjects_and_notes_are_none(report: dict[str, Any]) -> None:
    ranked = problems(check_lines(report))
    assert [line.check["subjects"] for line in ranked] == sorted((x.check["subjects"] for x in ranked), reverse=True)
    assert ranked and all(line.status in ("failed", "warned") for line in ranked)


def test_what_documents_are_judged_by_counts_documents_and_what_is_said_of_a_run_counts_nobody() -> None:
    """Subjects of a check never stand for resources, and a finding about a file has no share of the subjects."""
    shown = synthetic_report(0, files=2, items=4)
    found = {"fatal": 0, "error": 3, "warning": 0, "info": 0}
    base = {"title": "a title", "severity": "error", "findings": found, "notes": [], "examples": []}
    counted = {"checked": 10, "subjects": 2}
    shown["checks"] = [
        {
            **base,
            **counted,
            "rule": rule,
            "family": family,
            "sites": {site: {**counted, "findings": 3} for site in "ab"},
        }
        for rule, family in (("dataset.code", "dataset"), ("target.fhir-r4-schema", "target"))
    ]
    nobody = {"checked": 10, "subjects": 0}
    of_files = {
        "rule": "source.table-absent",
        "family": "source",
        "sites": {s: {**nobody, "findings": 3} for s in "ab"},
    }
    shown["checks"].append({**base, **nobody, **of_files})
    text = Page(html_page(shown)).text
    assert "2 of 10 subjects" in text and "2 of 10 documents" in text and "0 of 10" not in text
    lines = {line.check["rule"]: line for line in check_lines(shown)}
    assert lines["source.table-absent"].of_nobody and not lines["dataset.code"].of_nobody
    ((_, sides),) = by_site([lines["source.table-absent"]], ["a"])
    assert sides[0].of_nobody and sides[0].findings == 3
    for check in shown["checks"]:
        check["title"] = f"title of {check['rule']}"
    (drawn,) = re.findall("<figure[^>]*by site.*?</figure>", html_page(shown), re.DOTALL)
    assert "title of dataset.code" in drawn and "source.table-absent" not in drawn
    summary = summary_text(shown)
    assert "in 2 subjects" in summary and "in 2 documents" in summary and "in files or the run" in summary
    for run in shown["runs"]:
        run["profile"] = {}
    assert {line.check["rule"]: line.unit for line in check_lines(shown)} == {
        "dataset.code": "subjects", "target.fhir-r4-schema": "documents", "source.table-absent": "documents",
    }  # fmt: skip


def test_what_nobody_looked_at_is_not_shown_as_passed(report: dict[str, Any]) -> None:
    shown = copy.deepcopy(report)
    shown["checks"] = [
        {**shown["checks"][0], "checked": 0, "findings": dict.fromkeys(("fatal", "error", "warning", "info"), 0)}
    ]
    table = html_page(shown).partition('id="all-checks"')[2].partition("</table>")[0]
    assert "not checked" in table and "passed" not in table.partition("<tbody>")[2]


def test_heat_maps_are_by_site_and_year_and_name_no_share_where_nobody_is_asked(report: dict[str, Any]) -> None:
    assert [one.kind for one in heat_maps(report)] == ["site", "year"]
    alone = copy.deepcopy(report)
    (dataset,) = alone["datasets"]
    dataset["groups"] = [group for group in dataset["groups"] if group["name"] in ("north", "1990", "1991")]
    for group in dataset["groups"]:
        group["items"] = {"hmd:Thing.Item0": {"not_applicable": 4}, "hmd:Thing.Item4": {"filled": 3, "missing": 1}}
    (found,) = heat_maps(alone)
    cells = {line.item["id"]: line.cells[0] for _, items in found.levels for line in items.shown}
    assert cells["hmd:Thing.Item0"].shade == "na" and cells["hmd:Thing.Item4"].shade == "h3"


def test_what_did_not_run_has_a_reason(report: dict[str, Any]) -> None:
    quiet = copy.deepcopy(report)
    for check in quiet["checks"]:
        check.update(checked=0, findings=dict.fromkeys(("fatal", "error", "warning", "info"), 0), subjects=0)
    for run in quiet["runs"]:
        run["terminologies"] = [{"system": "HP", "version": "2026-02-16"}]
    lines = check_lines(quiet)
    reasons = dict(why_not_checked(quiet, lines))
    assert sum(reasons.values()) == len(lines)
    assert {"mappings", "dataset", "conversion", "judge", "format"} == set(reasons)
    for run in quiet["runs"]:
        run["terminologies"] = []
    assert dict(why_not_checked(quiet, lines))["system"] == sum(bool(line.texts and line.texts.needs) for line in lines)
    assert "harmonize mappings lint runs them" in Page(html_page(quiet)).text


def test_records_of_one_site_and_of_no_year_are_one_column(report: dict[str, Any]) -> None:
    alone = copy.deepcopy(report)
    (dataset,) = alone["datasets"]
    whole = {**dataset["groups"][0], "name": "north"}
    dataset["groups"] = [whole, {**whole, "kind": "year", "name": "undated"}]
    (found,) = heat_maps(alone)
    assert found.kind == "whole" and all(line.cells == [] for _, items in found.levels for line in items.shown)
    assert "undated" not in Page(html_page(alone)).text


# --- languages ----------------------------------------------------------------------------------------------------------


def test_every_language_has_every_text_with_the_same_words_in_it() -> None:
    assert {"en", "de"} <= set(languages())
    english = page_texts("en").texts
    for language in languages():
        texts = page_texts(language).texts
        assert texts.keys() == english.keys()
        for key, text in texts.items():
            assert _fields(text) == _fields(english[key]), key
            assert text.strip() or key.startswith("number."), key


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_is_asked_for_by_a_template() -> None:
    """Keys that are put together in templates (`t("family." + name)`) are asked for by their beginning or their end."""
    templates = "".join(
        path.read_text("utf-8") for path in Path(charts.__file__).parent.joinpath("templates").glob("*.html")
    )
    code = Path(charts.__file__).parent.joinpath("page.py").read_text("utf-8")
    asked = set(re.findall(r"""["']([\w.-]+)["']""", templates + code))
    begun = {name for name in asked if name.endswith(".")} | {"section.", "verdict.", "group."}
    words = {"fatal", "error", "warning", "info", "failed", "warned", "noted", "passed", "not-checked"}
    words |= {
        kind + end
        for kind in ("new", "grown", "persisting", "shrunk", "resolved", "not-compared")
        for end in ("", ".means")
    }
    left = [key for key in page_texts("en").texts if key not in asked | words and not key.startswith(tuple(begun))]
    assert [key for key in left if not key.startswith("number.")] == []


def test_translated_rules_are_rules() -> None:
    for language in languages():
        translated = page_texts(language).rules
        parts = {key.rpartition(".")[2] for key in translated}
        assert parts <= {"title", "mend"}
        wanted = {f"{rule}.{part}" for rule in rules() for part in ("title", "mend")}
        assert set(translated) == (wanted if language != "en" else set()), set(translated) ^ wanted


def test_the_page_in_german(report: dict[str, Any]) -> None:
    shown = rendered(report, "de")
    assert '<html lang="de">' in shown and "999.300 von 1.000.000" in shown
    assert "Die 3 schlimmsten Probleme" in shown and "Ein Code, den es nicht gibt" in shown
    with pytest.raises(UnknownNameError, match="language"):
        html_page(report, language="xx")


# --- text of others -------------------------------------------------------------------------------------------------


FIXED = {"severity", "status", "outcome", "level", "kind", "family", "schema_version"}


def hostile_report(payload: str) -> dict[str, Any]:
    """A report in which the payload stands wherever the schema lets a text stand, in keys too."""
    made = synthetic_report(12, files=4, items=8)
    made["coverage"][0]["rows"] = made["coverage"][0]["rows"][:12]

    def spoiled(value: Any) -> Any:
        if isinstance(value, list):
            return [spoiled(one) for one in value]
        if not isinstance(value, dict):
            return f"{value}{payload}" if isinstance(value, str) else value
        return {name: inner if name in FIXED else spoiled(inner) for name, inner in value.items()}

    made = spoiled(made)
    account = made["accounting"]
    for holder, name in ((account, "rows"), (account, "values"), (account, "defaulted"), (made, "documents")):
        holder[name] = {f"{key}{payload}": inner for key, inner in holder[name].items()}
    account["values"] = {
        target: {f"{column}{payload}": counts for column, counts in columns.items()}
        for target, columns in list(account["values"].items())[:1]
    }
    made["documents"] = {
        f: {f"{kind}{payload}": n for kind, n in kinds.items()} for f, kinds in made["documents"].items()
    }
    made["coverage"][0]["maps"] = {f"{name}{payload}": counts for name, counts in made["coverage"][0]["maps"].items()}
    for check in made["checks"]:
        check["sites"] = {f"{site}{payload}": counts for site, counts in check["sites"].items()}
    for group in made["datasets"][0]["groups"]:
        group["items"] = {f"{item}{payload}": counts for item, counts in group["items"].items()}
    return made


def hostile_page(payload: str, language: str = "en") -> str:
    made = hostile_report(payload)
    reasons = (f"a rule {payload}",)
    before = copy.deepcopy(made)
    before["checks"] = [{**check, "subjects": check["subjects"] // 2} for check in before["checks"]]
    return html_page(made, Verdict(reasons, reasons, reasons), compared(before, made), language=language)


def structure(page: str) -> list[tuple[str, list[str]]]:
    """Every element with the names of its attributes, and the values of those that mean something to a browser."""
    free = ("aria-label", "content")
    return [
        (tag, [name if name in free else f"{name}={value}" for name, value in attributes])
        for tag, attributes in Page(page).elements
        if tag not in ("rect", "svg")
    ]


@pytest.fixture(scope="module")
def harmless() -> list[tuple[str, list[str]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "is_available", lambda: False)
        return structure(hostile_page("x"))


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_hostile_text_is_nothing_but_text(
    name: str, harmless: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Charts have a test of their own: here they would take most of the time."""
    monkeypatch.setattr(charts, "is_available", lambda: False)
    shown = hostile_page(PAYLOADS[name])
    assert structure(shown) == harmless
    seen = plain(PAYLOADS[name])[:500]  # what is longer is cut
    text = Page(shown).text
    assert text.count(seen) > 100
    if plain(PAYLOADS[name]) != PAYLOADS[name]:
        assert PAYLOADS[name] not in shown
    assert not Page(re.sub("<!doctype html>", "", shown, count=1)).others


# --- charts ---------------------------------------------------------------------------------------------------------


def test_without_charts_their_tables_are_open(
    report: dict[str, Any], monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    assert page.count("<figure") == 4
    monkeypatch.setattr(charts, "is_available", lambda: False)
    without = rendered(report)
    assert "<figure" not in without
    tables = [Counter(tag for tag, _ in Page(one).elements)["table"] for one in (page, without)]
    assert tables[0] == tables[1]
    assert without.count("<details open>") == page.count("<details open>") + 4


def test_charts_are_shapes_and_texts_alone(report: dict[str, Any]) -> None:
    for payload in ("</text><script>alert(1)</script>", "url(#x)", "\u202ex"):
        drawn = hostile_page(payload)
        for figure in re.findall("<figure.*?</figure>", drawn, re.DOTALL):
            tags = {tag for tag, _ in Page(figure).elements}
            assert tags <= {"figure", "figcaption", "ul", "li", "svg", "g", "path", "line", "rect", "circle", "text"}
            names = {name for _, attributes in Page(figure).elements for name, _ in attributes}
            assert not names & {"style", "class-name", "href", "font-family", "filter", "clip-path", "mask"}


def test_labels_of_charts_are_cut_not_lost() -> None:
    long = "a label that is much too long for the room that a chart has for it"
    drawn = charts.stacked_bars("name", [charts.Part("all", "#0072b2")], [charts.Bar(long, (3,))], as_share=False)
    assert drawn is not None and long[:30] in drawn and long not in drawn and "…" in drawn


# --- size and time ----------------------------------------------------------------------------------------------------


def test_four_thousand_checks_and_five_million_findings_are_under_two_megabytes(
    record_property: Callable[[str, object], None],
) -> None:
    large = synthetic_report(4_000)
    found = sum(sum(check["findings"].values()) for check in large["checks"])
    assert found > 3_900_000
    scale = -(-5_000_000 // found)
    for check in large["checks"]:
        check["findings"] = {name: number * scale for name, number in check["findings"].items()}
    rendered(synthetic_report(1))  # templates are compiled and V8 started once a process
    begun, on_cpu = time.perf_counter(), time.process_time()
    shown = html_page(large, verdict_on(large, fail_on=("error",), today=TODAY), compared(large, large))
    took, spent = time.perf_counter() - begun, time.process_time() - on_cpu
    print(f"\nreport.html of 4,000 checks: {len(shown.encode()):,} bytes, {took:.2f} s, {spent:.2f} s of CPU")
    record_property("bytes", len(shown.encode()))
    assert len(shown.encode()) < 2_000_000
    assert spent < 2  # a busy machine takes longer by the clock
    assert shown.count("<tr><td class=") == 4_000
    assert "Shown: " in shown  # and what is cut is said
