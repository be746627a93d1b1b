"""Custom content of MultiQC: a line of its general statistics, a table of rules, a bar graph of items.

MultiQC takes one section a file, and files by their names (`*_mqc.json`). A report is one sample, called after its sites, so that the
reports of several nodes stand beside each other. MultiQC writes text into its page as it comes: what others wrote is escaped here.
Source: MultiQC 1.35, documentation of custom content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from harmonize.datasets.statuses import COUNTED
from harmonize.report.run_report import status_of
from harmonize.report.totals import findings_by_severity, number_of_findings, sites_of, status_of_runs
from harmonize.safe_text import html_text

_NUMBER: Mapping[str, Any] = {"min": 0, "format": "{:,d}"}
_WORSE: Mapping[str, Any] = {**_NUMBER, "scale": "Reds"}
_COLOURS = {
    "filled": "#0072b2",
    "null_flavor": "#56b4e9",
    "missing": "#d55e00",
    "not_applicable": "#bbbbbb",
    "invalid": "#cc79a7",
    "not_checked": "#f0e442",
}
"""Colours that the colour-blind tell apart (Okabe and Ito)."""
_NOT_IN_NAMES = str.maketrans("/._", "---")
_PARENT = {
    "parent_id": "harmonize",
    "parent_name": "harmonize",
    "parent_description": "turns national clinical records into shared forms and says what was lost.",
}


def multiqc_files(report: Mapping[str, Any]) -> dict[str, bytes]:
    """The files by name. There is no graph of items where no data set was graded by."""
    sample = sample_name(report)
    sections = {
        "harmonize_mqc.json": _general(report, sample),
        "harmonize_checks_mqc.json": _checks(report, sample),
        "harmonize_items_mqc.json": _items(report, sample),
    }
    return {
        name: orjson.dumps(section, option=orjson.OPT_INDENT_2) + b"\n"
        for name, section in sections.items()
        if section["data"]
    }


def sample_name(report: Mapping[str, Any]) -> str:
    """What the sample of *report* is called.

    MultiQC cuts names at slashes, and at what looks like an ending of a file (`.dat`, `_qual`; its `fn_clean_exts`): names of lines
    hold no slash, dot or underscore, so that no two of them become one.

    >>> sample_name({"runs": [{"site": "north/1"}, {"site": "<b>.dat"}]})
    '&lt;b&gt;-dat, north-1'
    """
    return html_text(", ".join(sites_of(report)) or "unnamed site").translate(_NOT_IN_NAMES)


def _name(text: str) -> str:
    return html_text(text).translate(_NOT_IN_NAMES)


def _general(report: Mapping[str, Any], sample: str) -> dict[str, Any]:
    subjects, found = report["accounting"]["subjects"], findings_by_severity(report)
    statuses = [status_of(check) for check in report["checks"]]
    values = {
        "input": status_of_runs(report),
        **{name: subjects[name] for name in ("read", "converted") if name in subjects},
        "errors": found["fatal"] + found["error"],
        "warnings": found["warning"],
        "failed": statuses.count("failed"),
        "not_checked": statuses.count("not-checked"),
    }
    headers = {
        "input": {"title": "Input", "description": "Whether it was read whole"},
        "read": {"title": "Subjects", "description": "Subjects read", **_NUMBER, "scale": "Blues"},
        "converted": {"title": "Converted", "description": "Subjects converted", **_NUMBER, "scale": "Blues"},
        "errors": {"title": "Errors", "description": "Findings that are fatal or errors", **_WORSE},
        "warnings": {"title": "Warnings", "description": "Findings that are warnings", **_WORSE},
        "failed": {"title": "Rules failed", "description": "Rules with fatal findings or errors", **_WORSE},
        "not_checked": {
            "title": "Not checked",
            "description": "Rules that nobody looked at",
            **_NUMBER,
            "hidden": True,
        },
    }
    return {
        "id": "harmonize_general",
        "namespace": "harmonize",
        "plot_type": "generalstats",
        "headers": {name: headers[name] for name in values},
        "data": {sample: values},
    }


def _checks(report: Mapping[str, Any], sample: str) -> dict[str, Any]:
    rows = {
        f"{sample}: {_name(check['title'])}": {
            "rule": html_text(check["rule"]),
            "status": status_of(check),
            "findings": number_of_findings(check),
            "subjects": check["subjects"],
            "checked": check["checked"],
        }
        for check in report["checks"]
        if number_of_findings(check)
    }
    headers = {
        "rule": {"title": "Rule"},
        "status": {"title": "Status"},
        "findings": {"title": "Findings", **_WORSE},
        "subjects": {"title": "Subjects", **_WORSE},
        "checked": {"title": "Checked", "description": "Records that the rule looked at", **_NUMBER},
    }
    return {
        **_PARENT,
        "id": "harmonize_checks",
        "section_name": "Rules that found something",
        "plot_type": "table",
        "pconfig": {"id": "harmonize_checks_table", "title": "harmonize: rules", "col1_header": "Site: what was found"},
        "headers": headers,
        "data": rows,
    }


def _items(report: Mapping[str, Any], sample: str) -> dict[str, Any]:
    bars = {
        f"{sample}: {_name_of_item(found, item)}": {word: item["records"][word] for word in COUNTED}
        for found in report["datasets"]
        for item in found["items"]
    }
    return {
        **_PARENT,
        "id": "harmonize_items",
        "section_name": "Items of data sets",
        "description": "Records by how they hold each item.",
        "plot_type": "bargraph",
        "pconfig": {"id": "harmonize_items_plot", "title": "harmonize: items of data sets", "ylab": "Records"},
        "categories": {word: {"name": word.replace("_", " "), "color": _COLOURS[word]} for word in COUNTED},
        "data": bars,
    }


def _name_of_item(found: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    return _name(f"{found['dataset']} {found['version']}, {item['class']}, {item['item']}")
