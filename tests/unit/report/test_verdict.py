"""The truth table of verdicts: severities, thresholds, waivers, baselines, partial runs; and policies that are refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from harmonize.errors import SpecificationError
from harmonize.report.comparison import compared
from harmonize.report.policy import Policy, read_policy
from harmonize.report.verdict import verdict_on

TODAY = dt.date(2026, 11, 26)
SEVERITIES = ("fatal", "error", "warning", "info")


def check(rule: str = "terms.unknown", family: str = "mapping", number: int = 0, severity: str = "warning", checked: int = 100) -> dict[str, Any]:  # fmt: skip
    side = {"checked": checked, "findings": number, "subjects": number}
    return {
        "rule": rule, "family": family, "severity": severity, "title": rule, "checked": checked,
        "findings": {name: number if name == severity else 0 for name in SEVERITIES},
        "subjects": number, "sites": {"one": side, "two": {"checked": 0, "findings": 0, "subjects": 0}}, "notes": [], "examples": [],
    }  # fmt: skip


def report(*checks: dict[str, Any], status: str = "complete", missing: int = 0) -> dict[str, Any]:
    records = {"filled": 10, "null_flavor": 0, "missing": missing, "not_applicable": 5, "invalid": 0, "not_checked": 5}
    item = {"id": "goe:sex", "class": "Individual", "item": "Sex", "records": records}
    groups = [{"kind": "site", "name": "one", "records": 20, "items": {"goe:sex": {"missing": missing, "filled": 10}}}]
    dataset = {"dataset": "goe", "version": "1", "level": "mandatory", "items": [item], "groups": groups}
    return {"runs": [{"site": "one", "status": status}], "checks": list(checks), "datasets": [dataset]}


def policy(folder: Path, text: str) -> Policy:
    path = folder / "policy.toml"
    path.write_text(text)
    return read_policy(path)


WAIVER = '[[waivers]]\nrule = "terms.unknown"\nreason = "known"\nticket = "T-1"\nexpires = 2026-12-31\n'
EXPIRED = WAIVER.replace("2026-12-31", "2026-11-25")
RULE = '[[thresholds]]\nrule = "terms.unknown"\n'
ITEM = '[[thresholds]]\nitem = "goe:sex"\n'
TABLE = [
    # findings, options, policy -> failures, warnings, waived
    (report(), {}, "", (0, 0, 0)),
    (report(check(number=3)), {}, "", (0, 0, 0)),
    (report(check(number=3, severity="info")), {"fail_on": ["warning"]}, "", (0, 0, 0)),
    (report(check(number=3)), {"fail_on": ["error"]}, "", (0, 0, 0)),
    (report(check(number=3)), {"fail_on": ["warning"]}, "", (1, 0, 0)),
    (report(check(number=3, severity="error")), {"fail_on": ["warning"]}, "", (1, 0, 0)),
    (report(check(number=3, severity="fatal")), {"fail_on": ["fatal"]}, "", (1, 0, 0)),
    (report(check(number=3, severity="fatal")), {"fail_on": ["error"]}, "", (1, 0, 0)),
    (report(check(number=3, severity="error")), {"fail_on": ["fatal"]}, "", (0, 0, 0)),
    (report(check(number=0, checked=0)), {"fail_on": ["warning"]}, RULE + 'fail = "0"\n', (0, 0, 0)),
    (report(check(number=3)), {}, RULE + 'fail = "2"\n', (1, 0, 0)),
    (report(check(number=3)), {}, RULE + "fail = 3\n", (0, 0, 0)),
    (report(check(number=3)), {}, RULE + 'warn = "2"\n', (0, 1, 0)),
    (report(check(number=3)), {}, RULE + 'warn = "1"\nfail = "2"\n', (1, 0, 0)),
    (report(check(number=3)), {}, RULE + 'warn = "1"\nfail = "5"\n', (0, 1, 0)),
    (report(check(number=3)), {}, RULE + 'fail = "2.9%"\n', (1, 0, 0)),
    (report(check(number=3)), {}, RULE + 'fail = "3%"\n', (0, 0, 0)),
    (report(check(number=3)), {}, RULE + 'site = "one"\nfail = "2"\n', (1, 0, 0)),
    (report(check(number=3)), {}, RULE + 'site = "two"\nfail = "0"\n', (0, 0, 0)),
    (report(check(number=3)), {}, '[[thresholds]]\nfamily = "mapping"\nfail = "2"\n', (1, 0, 0)),
    (report(check(number=3)), {}, '[[thresholds]]\nfamily = "privacy"\nfail = "0"\n', (0, 0, 0)),
    (report(missing=4), {}, ITEM + 'fail = "3"\n', (1, 0, 0)),
    (report(missing=4), {}, ITEM + 'fail = "28%"\n', (1, 0, 0)),  # 4 of the 14 that are asked for
    (report(missing=4), {}, ITEM + 'fail = "29%"\n', (0, 0, 0)),
    (report(missing=4), {}, ITEM + 'site = "one"\nfail = "3"\n', (1, 0, 0)),
    (report(missing=4), {}, ITEM + 'site = "two"\nfail = "0"\n', (0, 0, 0)),
    (report(check(number=3)), {"fail_on": ["warning"]}, WAIVER, (0, 0, 1)),
    (report(check(number=3)), {}, WAIVER + RULE + 'fail = "0"\n', (0, 0, 1)),
    (report(check(number=3)), {}, WAIVER + '[[thresholds]]\nfamily = "mapping"\nfail = "0"\n', (0, 0, 0)),
    (report(check(number=3)), {"fail_on": ["warning"]}, EXPIRED, (2, 0, 0)),
    (report(check(number=3)), {}, EXPIRED, (1, 0, 0)),
    (report(check(number=0)), {"fail_on": ["warning"]}, EXPIRED, (0, 0, 0)),
    (report(check("source.date", "source", 3)), {"fail_on": ["warning"]}, WAIVER, (1, 0, 0)),
    (report(status="partial"), {}, "", (0, 1, 0)),
    (report(status="partial"), {"strict": True}, "", (1, 0, 0)),
    (report(check(number=3)), {"strict": True}, RULE + 'warn = "2"\n', (1, 0, 0)),
]


@pytest.mark.parametrize(("made", "options", "text", "expected"), TABLE)
def test_truth_table(made: Any, options: dict[str, Any], text: str, expected: tuple[int, int, int], tmp_path: Path) -> None:  # fmt: skip
    verdict = verdict_on(made, policy=policy(tmp_path, text), today=TODAY, **options)
    assert (len(verdict.failures), len(verdict.warnings), len(verdict.waived)) == expected, verdict
    assert verdict.passes == (expected[0] == 0)


@pytest.mark.parametrize(
    ("before", "after", "severity", "failures"),
    [
        (0, 3, "warning", 1),
        (3, 3, "warning", 0),
        (3, 4, "error", 1),
        (4, 3, "error", 0),
        (0, 3, "info", 0),
        (3, 0, "error", 0),
    ],
)
def test_new_since_the_baseline(before: int, after: int, severity: str, failures: int, tmp_path: Path) -> None:
    old, new = report(check(number=before, severity=severity)), report(check(number=after, severity=severity))
    verdict = verdict_on(new, fail_on=["new"], changes=compared(old, new), today=TODAY)
    assert len(verdict.failures) == failures
    waived = verdict_on(new, policy=policy(tmp_path, WAIVER), fail_on=["new"], changes=compared(old, new), today=TODAY)
    assert waived.passes and len(waived.waived) == failures


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[thresholds]]\n", "no one thing"),
        (RULE, "no limit"),
        (RULE + 'fail = "many"\n', "neither a number nor a share"),
        (RULE + 'fail = "101%"\n', "neither"),
        (RULE + "fail = true\n", "neither"),
        (RULE + 'fail = "1"\nfamily = "mapping"\n', "no one thing"),
        (RULE.replace("unknown", "unknwon") + 'fail = "1"\n', "terms.unknown"),
        ('[[thresholds]]\nfamily = "mappings"\nfail = "1"\n', "mapping"),
        (RULE + 'fail = "1"\ncolour = "red"\n', "colour"),
        ("thresholds = 3\n", "no list"),
        ("[colours]\n", "colours"),
        ("[[waivers]]\nreason = 'x'\nexpires = 2027-01-01\n", "no one thing"),
        (WAIVER.replace('reason = "known"\n', ""), "no reason"),
        (WAIVER.replace("2026-12-31", '"2026-12-31"'), "day"),
        (WAIVER.replace("expires = 2026-12-31\n", ""), "day"),
        ("[[waivers", "no TOML"),
    ],
)
def test_policies_that_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecificationError, match=message):
        policy(tmp_path, text)
