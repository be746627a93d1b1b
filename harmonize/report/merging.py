"""Reports added up: shards of one run become the report of that run, reports of several sites one with its sites side by side.

Adding is associative and commutative: whatever the grouping and the order, the bytes are the same. The reports must be of different
subjects; nobody can see that from counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from harmonize.errors import CallError
from harmonize.findings import SEVERITIES
from harmonize.report.code_coverage import added_coverage
from harmonize.report.rule_counts import first_examples

Json = dict[str, Any]


def merged(reports: Sequence[Mapping[str, Any]]) -> Json:
    """The sum of *reports*. Raises CallError where there is none, or where one of them stands twice."""
    if not reports:
        raise CallError("there is nothing to merge. To mend it: give the report.json files of some runs")
    _refuse_twice(reports)
    accounts = [report["accounting"] for report in reports]
    covered = [measured for report in reports for measured in report.get("coverage", ())]
    return {
        "schema_version": reports[0]["schema_version"],
        "runs": _runs(run for report in reports for run in report["runs"]),
        "accounting": {
            "subjects": _added(account["subjects"] for account in accounts),
            "rows": _added(account["rows"] for account in accounts),
            "values": _added(account["values"] for account in accounts),
            "left_out": sorted({column for account in accounts for column in account["left_out"]}),
            "defaulted": _added(account["defaulted"] for account in accounts),
        },
        "documents": _added(report["documents"] for report in reports),
        "checks": _by_key((check for report in reports for check in report["checks"]), ("rule",), _added_check),
        "datasets": _by_key(
            (found for report in reports for found in report["datasets"]),
            ("dataset", "version", "level", "format"),
            _added_dataset,
        ),
        **({"coverage": _by_key(covered, ("profile",), added_coverage)} if covered else {}),
    }


def _refuse_twice(reports: Sequence[Mapping[str, Any]]) -> None:
    seen = [orjson.dumps(report, option=orjson.OPT_SORT_KEYS) for report in reports]
    if len(set(seen)) < len(seen):
        raise CallError("one report is given twice: its subjects would count twice. To mend it: give each report once")


def _added(parts: Iterable[Any]) -> Any:
    """Trees of numbers, added leaf by leaf. Keys come out in order."""
    known = [part for part in parts if part is not None]
    if not known:
        return {}
    if isinstance(known[0], int):
        return sum(known)
    keys = sorted({key for part in known for key in part})
    return {key: _added(part.get(key) for part in known) for key in keys}


def _by_key(items: Iterable[Json], key: Sequence[str], add: Callable[[list[Json]], Json]) -> list[Json]:
    groups: dict[tuple[str, ...], list[Json]] = {}
    for item in items:
        groups.setdefault(tuple(str(item[name]) for name in key), []).append(item)
    return [add(groups[found]) for found in sorted(groups)]


def _runs(runs: Iterable[Json]) -> list[Json]:
    """The runs, those of one call together: shards differ in nothing but what they read and whether they read it whole."""
    groups: dict[bytes, list[Json]] = {}
    for run in runs:
        call = {name: value for name, value in run.items() if name not in ("inputs", "status")}
        groups.setdefault(orjson.dumps(call, option=orjson.OPT_SORT_KEYS), []).append(run)
    return [_one_run(groups[key]) for key in sorted(groups)]


def _one_run(runs: list[Json]) -> Json:
    inputs = {(file["file"], file["sha256"]): file for run in runs for file in run["inputs"]}
    is_partial = any(run["status"] != "complete" for run in runs)
    return {
        **runs[0],
        "status": "partial" if is_partial else "complete",
        "inputs": [inputs[key] for key in sorted(inputs)],
    }


def _added_check(checks: list[Json]) -> Json:
    severities = [severity.value for severity in SEVERITIES]
    notes = _added_notes(note for check in checks for note in check["notes"])
    return {
        **{name: checks[0][name] for name in ("rule", "family", "title")},
        "severity": min((check["severity"] for check in checks), key=severities.index),
        "checked": sum(check["checked"] for check in checks),
        "findings": {
            name: sum(check["findings"][name] - _said(check["notes"], severity=name) for check in checks)
            + _said(notes, severity=name)
            for name in severities
        },
        "subjects": sum(check["subjects"] for check in checks),
        "sites": _added_sites(checks, notes),
        "notes": notes,
        "examples": first_examples(example for check in checks for example in check["examples"]),
    }


def _added_notes(notes: Iterable[Json]) -> list[Json]:
    """Each note once, with the values that it is about added up."""
    total: dict[tuple[str, ...], Json] = {}
    for note in notes:
        key = tuple(str(note[name]) for name in ("severity", "message", "file", "column", "target", "site"))
        known = total.get(key)
        total[key] = {**note, "count": note["count"] + known["count"]} if known else note
    return [total[key] for key in sorted(total)]


def _said(notes: Iterable[Json], **where: str) -> int:
    return sum(all(note[name] == value for name, value in where.items()) for note in notes)


def _added_sites(checks: list[Json], notes: list[Json]) -> Json:
    sites = _added(check["sites"] for check in checks)
    for site, counts in sites.items():
        counts["findings"] += _said(notes, site=site) - sum(_said(check["notes"], site=site) for check in checks)
    return dict(sites)


def _added_dataset(datasets: list[Json]) -> Json:
    first = datasets[0]
    return {
        **{name: first[name] for name in ("dataset", "title", "version", "level", "format")},
        "records": sum(found["records"] for found in datasets),
        "unreadable": sum(found["unreadable"] for found in datasets),
        "rules": _added(found["rules"] for found in datasets),
        "items": _by_order([found["items"] for found in datasets]),
        "groups": _by_key((group for found in datasets for group in found["groups"]), ("kind", "name"), _added_group),
    }


def _by_order(lists: list[list[Json]]) -> list[Json]:
    """The items of one release of a data set, which all lists hold in one order."""
    if len({tuple(item["id"] for item in items) for items in lists}) > 1:
        raise CallError(
            "two reports know other items of the same data set. To mend it: build them with one version of harmonize"
        )
    return [
        {**items[0], "records": _added(i["records"] for i in items), "objects": _added(i["objects"] for i in items)}
        for items in zip(*lists, strict=True)
    ]


def _added_group(groups: list[Json]) -> Json:
    return {
        "kind": groups[0]["kind"],
        "name": groups[0]["name"],
        "records": sum(group["records"] for group in groups),
        "items": _added(group["items"] for group in groups),
    }
