"""`report.html`: one file that asks for nothing, is read without scripts, and prints.

The templates decide how things look, `page_parts` what is shown. Every text that comes out of a report passes `plain` and the escaping of
Jinja2, and stands as the content of an element or in a quoted attribute, nowhere else. The Content-Security-Policy of the page allows
its own style and script by their digests and nothing besides: no request, no form, no other script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harmonize.findings import SEVERITIES
from harmonize.report import charts, page_parts
from harmonize.report.code_coverage import KINDS_OF_ROWS
from harmonize.report.comparison import Change
from harmonize.report.page_coverage import GROUPS, Ranked, SystemLine, ranked, system_lines
from harmonize.report.page_parts import CheckLine, Cut
from harmonize.report.page_texts import PageTexts, page_texts
from harmonize.report.totals import (
    OUTCOMES,
    findings_by_severity,
    rows_of,
    sites_of,
    skipped_by_consent,
    skipped_by_limit,
    status_of_runs,
    values_of,
)
from harmonize.report.verdict import Verdict
from harmonize.safe_text import plain

Json = Mapping[str, Any]
LANGUAGE = "en"
WORST, TOP = 3, 10
_TEMPLATES = Path(__file__).parent / "templates"
_LONGEST = 600
_SHARED_OUT = ("carried", "coarsened", "dropped", "left_out", "unmapped", "rejected", "skipped")
_COLOURS = dict(
    zip(_SHARED_OUT, [charts.PALETTE[i] for i in (0, 1, 3, 5, 4, 6)] + ["#b9bec6"], strict=True)
)  # what is left out on purpose is grey
_COVERAGE_COLOURS = dict(zip(GROUPS, [charts.PALETTE[i] for i in (0, 1, 2, 5, 3, 4)], strict=True))


class Figure(NamedTuple):
    """A chart, and what its colours stand for; without a chart its table is all there is."""

    svg: Markup | None
    parts: Sequence[charts.Part] = ()


def html_page(
    report: Json,
    verdict: Verdict | None = None,
    changes: Sequence[Change] | None = None,
    *,
    language: str = LANGUAGE,
    has_limits: bool = True,
) -> str:
    """The page of *report*, with the *verdict* on it and the *changes* since a baseline; None where there is no baseline.
    Without limits every report passes: *has_limits* says whether there was anything to fail by.

    The same report gives the same page, but for the charts, which only those have who installed `harmonize[report]`.
    Raises UnknownNameError where there are no texts in *language*.
    """
    text = page_texts(language)
    lines = page_parts.check_lines(report)
    top = page_parts.problems(lines)
    details = page_parts.with_details([*top[:TOP], *(line for line in lines if line not in top[:TOP])])
    style, script = _asset("page.css"), _asset("page.js")
    return (
        _environment()
        .get_template("page.html")
        .render(
            t=text,
            n=text.number,
            share=text.share,
            language=language,
            rule_text=_rule_texts(text),
            style=Markup(style),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704
            policy=content_security_policy(style, script),
            report=report,
            sites=sites_of(report),
            partial=status_of_runs(report) == "partial",
            by_consent=skipped_by_consent(report),
            by_limit=skipped_by_limit(report),
            skipped_values=max(
                (values_of(report, one, mapped_only=True)["skipped"] for one in report["accounting"]["values"]),
                default=0,
            ),
            verdict=verdict,
            has_limits=has_limits,
            totals=findings_by_severity(report),
            severities=[severity.value for severity in SEVERITIES],
            documents=sum(sum(kinds.values()) for kinds in report["documents"].values()),
            lines=lines,
            families=page_parts.families(lines),
            statuses=page_parts.STATUSES,
            worst=[line for line in lines if line.status in ("failed", "warned")][:WORST],
            top=top[:TOP],
            number_of_problems=len(top),
            details=details,
            unchecked=page_parts.why_not_checked(report, lines),
            of_others=not any(run["profile"] for run in report["runs"]),
            detailed={line.number for line in details.shown},
            changes=page_parts.changes_by_kind(changes) if changes is not None else None,
            carried=page_parts.carried_by_target(report),
            left_out=page_parts.left_out_on_purpose(report),
            gaps=list(page_parts.gaps_of(report)),
            heat_maps=list(page_parts.heat_maps(report)),
            few=page_parts.FEW,
            most=page_parts.MOST,
            **_coverage(report, text),
            **_targets(report, text),
            **_sites(report, text, top[:TOP]),
            rows=page_parts.cut(report["accounting"]["rows"].items(), page_parts.MOST["rows"]),
            rows_total=rows_of(report),
            columns=page_parts.columns_of(report),
            editions=sorted(
                {
                    (t["system"], t["version"], t.get("source_sha256", "–"))
                    for run in report["runs"]
                    for t in run["terminologies"]
                }
            ),
            inputs=page_parts.cut(
                [(run["site"], file) for run in report["runs"] for file in run["inputs"]], page_parts.MOST["inputs"]
            ),
            cut=page_parts.cut,
            affected=text(
                "column.affected"
                if any(x.unit == "documents" for x in lines if x.check["checked"])
                else "column.subjects"
            ),
        )
        + "\n"
    )


def content_security_policy(style: str, script: str) -> str:
    """The policy of a page that holds *style* and *script* and asks for nothing.

    >>> content_security_policy("", "")[:60]
    "default-src 'none'; style-src 'sha256-47DEQpj8HBSa+/TImW+5JC"
    """
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; base-uri 'none'; form-action 'none'"


@cache
def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _rule_texts(text: PageTexts) -> Callable[[str, str, str], Markup]:
    """What gives a part of a rule in the language of the page; where it is not translated, the *english* of it, marked as that.

    Titles come from reports; the other parts are the catalogue's own.
    """

    def rule_text(rule: str, part: str, english: str) -> Markup:
        own = text.rules.get(f"{rule}.{part}")
        shown = _with_code(own or english) if own or part != "title" else Markup.escape(_shown(english))
        return shown if own or text.language == "en" else Markup('<span lang="en">{}</span>').format(shown)

    return rule_text


def _with_code(text: str) -> Markup:
    """Text of the catalogue: what stands between backticks is code."""
    text = _shown(text)
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if index % 2 else piece for index, piece in enumerate(pieces)
    )


def _shown(value: Any) -> Any:
    """What a template writes of *value*, before it is escaped: in one line, nothing unseen, not without end."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    text = plain(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


# --- charts -----------------------------------------------------------------------------------------------------------


def _coverage(report: Json, text: PageTexts) -> dict[str, Any]:
    systems, unmapped = system_lines(report), ranked(report, mapped=False)
    return {
        "systems": systems,
        "groups": tuple(GROUPS),
        "kinds_of_rows": KINDS_OF_ROWS,
        "maps": [
            (measured["profile"], name, counts)
            for measured in report.get("coverage", ())
            for name, counts in measured["maps"].items()
            if counts["rows"]
        ],
        "unmapped": unmapped,
        "mapped": ranked(report, mapped=True),
        "coverage_figure": _coverage_figure(systems[: page_parts.MOST["sites"]], text),
        "pareto_figure": _pareto_figure(unmapped, text),
    }


def _coverage_figure(systems: Sequence[SystemLine], text: PageTexts) -> Figure:
    parts = [charts.Part(text(f"group.{name}"), _COVERAGE_COLOURS[name]) for name in GROUPS]
    words = text("coverage.words")
    bars = [
        charts.Bar(plain(line.system or words), tuple(line.groups[name].records for name in GROUPS)) for line in systems
    ]
    return Figure(charts.stacked_bars(text("coverage.chart"), parts, bars, as_share=True), parts)


def _pareto_figure(unmapped: Ranked, text: PageTexts) -> Figure:
    if not unmapped.records:
        return Figure(None)
    hidden = text("coverage.not-shown")
    bars = [
        charts.Bar(plain(f"{row['code'] or hidden} {row['label']}".strip()), (row["records"],))
        for row, _ in unmapped.shown
    ]
    return Figure(charts.pareto(text("coverage.pareto"), bars, unmapped.records))


def _targets(report: Json, text: PageTexts) -> dict[str, Any]:
    totals = {target: _with_left_out(values_of(report, target)) for target in report["accounting"]["values"]}
    parts = [charts.Part(text(f"outcome.{name}"), _COLOURS[name]) for name in _SHARED_OUT]
    bars = [charts.Bar(plain(target), tuple(total[name] for name in _SHARED_OUT)) for target, total in totals.items()]
    figure = Figure(charts.stacked_bars(text("targets.chart"), parts, bars, as_share=True), parts)
    return {"targets": totals, "outcomes": _SHARED_OUT, "targets_figure": figure, "account_outcomes": OUTCOMES}


def _with_left_out(total: Mapping[str, int]) -> dict[str, int]:
    """What is left out on purpose beside what is dropped, where `values_of` counts it among that."""
    return {**total, "dropped": total["dropped"] - total["left_out"]}


def _sites(report: Json, text: PageTexts, top: Sequence[CheckLine]) -> dict[str, Any]:
    sites: Cut[str] = page_parts.names_of_sites(report)
    table = page_parts.by_site(top, sites.shown)
    figure = Figure(None)
    if 1 < len(sites.shown) <= len(charts.PALETTE):
        parts = [
            charts.Part(plain(site) or text("unnamed"), colour)
            for site, colour in zip(sites.shown, charts.PALETTE, strict=False)
        ]
        drawn = [(line, sides) for line, sides in table if not line.of_nobody]  # no share, no dot
        bars = [charts.Bar(_title(line, text), tuple(side.subjects for side in sides)) for line, sides in drawn]
        wholes = [tuple(side.checked for side in sides) for _, sides in drawn]
        figure = Figure(charts.dots(text("sites.chart"), parts, bars, wholes) if bars else None, parts)
    return {"site_names": sites, "site_table": table, "sites_figure": figure}


def _title(line: CheckLine, text: PageTexts) -> str:
    """The title of a rule for a chart, whose words have no language of their own."""
    return plain(text.rules.get(f"{line.check['rule']}.title", line.check["title"]))
