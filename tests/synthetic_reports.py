"""Reports made up for tests of pages: many checks, many findings, several sites and years; numbers only, of nobody."""

from __future__ import annotations

from typing import Any

from harmonize.checks.catalogue import rules

SITES = ("north", "south", "west")
SUBJECTS = 1_000_000


def synthetic_report(checks: int, *, status: str = "complete", files: int = 300, items: int = 160) -> dict[str, Any]:
    """A report of *checks* checks in three sites, with 1,000 findings for each on average, of *files* files and *items* items."""
    known = list(rules().values())
    made = [_check(known[number % len(known)], number, len(known)) for number in range(checks)]
    return {
        "schema_version": "2.0",
        "runs": [_run(site, status, files) for site in SITES],
        "accounting": {
            "subjects": {"read": SUBJECTS, "converted": SUBJECTS - 700, "rejected": 400, "skipped": 300},
            "rows": {f"table-{n}.csv": {"read": 900, "used": 890, "rejected": 6, "skipped": 4} for n in range(files)},
            "values": {
                target: {
                    f"table-{n}.csv/column": dict(zip(_OUTCOMES, (100, 60, 10, 10, 10, 5, 5), strict=True))
                    for n in range(files)
                }
                for target in ("fhir-r4", "hub", "phenopackets")
            },
            "left_out": ["table-3.csv/column"],
            "defaulted": {"fhir-r4": {"Observation.status": 12}},
        },
        "documents": {"fhir-r4": {"Patient": SUBJECTS - 700, "Observation": 5 * SUBJECTS}, "hub": {}},
        "checks": made,
        "datasets": [_dataset(items, 30 if items > 20 else 3)],
        "coverage": [_coverage(2_000)],
    }


_OUTCOMES = ("read", "carried", "coarsened", "dropped", "unmapped", "rejected", "skipped")


def _run(site: str, status: str, files: int) -> dict[str, Any]:
    return {
        "site": site,
        "recorded": "2026-01-31T12:00:00Z",
        "status": status,
        "harmonize": "0.1.0",
        "hub": "0.4.0",
        "profile": {"id": "eu/ern-cde", "version": "1.0.0", "sha256": "0" * 64},
        "targets": ["hub", "fhir-r4"],
        "consent": "require",
        "terminologies": [{"system": f"S{n}", "version": "2026", "source_sha256": "1" * 64} for n in range(30)],
        "inputs": [{"file": f"table-{n}.csv", "sha256": "2" * 64} for n in range(files)],
    }


def _check(rule: Any, number: int, known: int) -> dict[str, Any]:
    name = rule.id if number < known else f"{rule.id}.of-variable-{number}"
    findings = dict.fromkeys(("fatal", "error", "warning", "info"), 0)
    findings[rule.severity.value] = (number * 7919) % 2_500 if number % 5 else 0
    total = sum(findings.values())
    subjects = total * 3 // 4
    each = {"checked": SUBJECTS // 3, "findings": total // 3, "subjects": subjects // 3}
    message = (
        f"the value of the variable number {number} is not what the rule asks for, and this says why at some length"
    )
    return {
        "rule": name,
        "family": rule.family,
        "severity": rule.severity.value,
        "title": f"{rule.title} ({number})",
        "checked": SUBJECTS if number % 11 else total,
        "findings": findings,
        "subjects": subjects,
        "sites": dict.fromkeys(SITES, each),
        "notes": [_note(rule, message)] if total and not number % 6 else [],
        "examples": [_example(message, row) for row in range(5)] if total else [],
    }


def _note(rule: Any, message: str) -> dict[str, Any]:
    where = {"file": "table-1.csv", "column": "column", "target": "", "site": SITES[0], "count": 12}
    return {"severity": rule.severity.value, "message": message, **where}


def _example(message: str, row: int) -> dict[str, Any]:
    return {
        "subject": "0123456789abcdef",
        "source": {"file": "table-1.csv", "row": row + 2, "column": "column"},
        "target": {"format": "fhir-r4", "path": f"Observation/{row}/value"},
        "message": message,
    }


def _dataset(items: int, years: int) -> dict[str, Any]:
    levels = ("mandatory", "recommended", "optional", "conditional")
    words = ("filled", "null_flavor", "missing", "not_applicable", "invalid", "not_checked")
    listed = [
        {
            "id": f"hmd:Thing.Item{n}",
            "class": "Thing",
            "item": f"Item {n}",
            "level": levels[n % 4],
            "records": dict(zip(words, (n * 10, 10, 1590 - n * 10, 0, 20, 0), strict=True)),
            "objects": dict(zip(words, (n * 10, 10, 1590 - n * 10, 0, 20, 0), strict=True)),
        }
        for n in range(items)
    ]
    groups = [("site", site) for site in SITES] + [("year", str(1990 + n)) for n in range(years)]
    return {
        "dataset": "hmd",
        "title": "Harmonised Minimal Data model",
        "version": "1.1",
        "level": "mandatory",
        "format": "hub",
        "records": 1620,
        "unreadable": 0,
        "rules": {"dataset.mandatory-missing": 7},
        "items": listed,
        "groups": [
            {
                "kind": kind,
                "name": name,
                "records": 5 + index * 20,
                "items": {item["id"]: {"filled": n, "missing": items - n} for n, item in enumerate(listed)},
            }
            for index, (kind, name) in enumerate(groups)
        ],
    }


def _coverage(codes: int) -> dict[str, Any]:
    outcomes = ("exact", "coarsened", "kept", "not-mapped", "not-a-code")
    return {
        "profile": "eu/ern-cde",
        "subjects": {"read": SUBJECTS},
        "maps": {"status": dict.fromkeys(("rows", "exact", "reviewed"), 9) | dict.fromkeys(_OTHER_ROWS, 0)},
        "rows": [
            {
                "outcome": outcomes[n % 5],
                "system": f"SYSTEM{n % 7}",
                "code": f"SYSTEM{n % 7}:{n}" if n % 5 != 4 else "",
                "label": f"a label of the code {n}",
                "column": f"table-{n % 9}.csv/code",
                "distinct": 1 if n % 5 != 4 else 17,
                "records": 1 + 90_000 // (n + 1),
                "persons": 1 + 60_000 // (n + 1),
            }
            for n in range(codes)
        ],
    }


_OTHER_ROWS = ("close", "broad", "narrow", "related", "other", "no-target")
