"""The verdict on a report: what fails, what warns, what is waived, by the policy of a node and by what the call asks for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harmonize.findings import SEVERITIES
from harmonize.report.comparison import GROWN, NEW, Change, Side, side_of_item
from harmonize.report.policy import Policy, Threshold, Waiver
from harmonize.report.totals import number_of_findings, status_of_runs, worst_severity

FAIL_ON = ("new", *(severity.value for severity in SEVERITIES if severity.value != "info"))


@dataclass(frozen=True)
class Verdict:
    """Why a report fails, and what else is to be known, in sentences."""

    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether nothing fails."""
        return not self.failures


def verdict_on(
    report: Mapping[str, Any],
    *,
    policy: Policy | None = None,
    fail_on: Collection[str] = (),
    changes: Sequence[Change] = (),
    today: dt.date,
    strict: bool = False,
) -> Verdict:
    """The verdict on *report*.

    Limits of *policy* that are exceeded fail or warn. With *fail_on* a severity, findings of it or worse fail; with `new`, what is new
    or has grown among *changes*, the comparison with a baseline, but for what is only info. A waiver takes both away from its rule or
    item; one that has expired fails by itself while its problem lasts. *strict*: warnings fail, and so does a run that is partial.
    """
    judge = _Judge(report, policy or Policy(), today)
    judge.limits()
    judge.severities(fail_on)
    if "new" in fail_on:
        judge.changes(changes)
    judge.expired()
    if status_of_runs(report) == "partial":
        (judge.failures if strict else judge.warnings).append("the input of a run was read in part only")
    failures, warnings = judge.failures, judge.warnings
    if strict:
        failures, warnings = [*failures, *warnings], []
    return Verdict(tuple(dict.fromkeys(failures)), tuple(dict.fromkeys(warnings)), tuple(dict.fromkeys(judge.waived)))


class _Judge:
    """Collects what fails."""

    def __init__(self, report: Mapping[str, Any], policy: Policy, today: dt.date) -> None:
        self._report, self._policy, self._today = report, policy, today
        self._checks = {check["rule"]: check for check in report["checks"]}
        self.failures: list[str] = []
        self.warnings: list[str] = []
        self.waived: list[str] = []

    def limits(self) -> None:
        """Thresholds of the policy."""
        for threshold in self._policy.thresholds:
            for name, site, side in self._measured(threshold):
                self._limit(threshold, name, site, side)

    def _limit(self, threshold: Threshold, name: str, site: str, side: Side) -> None:
        note = f" ({threshold.note})" if threshold.note else ""
        for limit, into, word in ((threshold.fail, self.failures, "fail"), (threshold.warn, self.warnings, "warn")):
            if limit is None:
                continue
            number = side.subjects if limit.share is not None else side.findings
            if not limit.exceeded(number, side.checked):
                continue
            what = f"{threshold.subject}: {number} of {side.checked}, more than {limit.text} ({word} limit){note}"
            if threshold.family or not self._waive(what, rule=threshold.rule, item=threshold.item, site=site):
                into.append(what)
            return

    def _measured(self, threshold: Threshold) -> Iterator[tuple[str, str, Side]]:
        if threshold.item:
            for found in self._report["datasets"]:
                yield from self._measured_item(threshold, found)
            return
        checks = [
            check
            for check in self._checks.values()
            if check["rule"] == threshold.rule
            or (check["family"] == threshold.family and not self._has_waiver(check["rule"], threshold.site))
        ]
        if not checks:
            return
        sides = [_side(check, threshold.site) for check in checks]
        yield (
            threshold.rule or threshold.family,
            threshold.site,
            Side(
                sum(side.findings for side in sides),
                max(side.subjects for side in sides),
                max(side.checked for side in sides),
            ),
        )

    def _measured_item(self, threshold: Threshold, found: Mapping[str, Any]) -> Iterator[tuple[str, str, Side]]:
        if not threshold.site:
            counts = [item["records"] for item in found["items"] if item["id"] == threshold.item]
        else:
            counts = [
                group["items"].get(threshold.item, {})
                for group in found["groups"]
                if (group["kind"], group["name"]) == ("site", threshold.site)
            ]
        yield from ((threshold.item, threshold.site, side_of_item(one)) for one in counts)

    def severities(self, fail_on: Collection[str]) -> None:
        """Findings of the severities that the call fails on, or of worse ones."""
        order = [severity.value for severity in SEVERITIES]
        worst = max((order.index(name) for name in fail_on if name in order), default=-1)
        for check in self._checks.values():
            number = sum(check["findings"][name] for name in order[: worst + 1])
            if number:
                what = f"rule {check['rule']}: {number} findings, {worst_severity(check)}: {check['title']}"
                if not self._waive(what, rule=check["rule"]):
                    self.failures.append(what)

    def changes(self, changes: Sequence[Change]) -> None:
        """What is new, or has grown, since the baseline."""
        for change in changes:
            if change.change in (NEW, GROWN) and change.severity != "info":
                course = f"{change.after.findings}, before {change.before.findings}"
                what = f"{change.kind} {change.name} is {change.change} since the baseline: {course}"
                if not self._waive(what, **{change.kind: change.name}):
                    self.failures.append(what)

    def expired(self) -> None:
        """Waivers whose day has passed while their problem lasts."""
        for waiver in self._policy.waivers:
            if waiver.expires < self._today and self._lasts(waiver):
                self.failures.append(
                    f"the waiver of {waiver.rule or waiver.item} expired on {waiver.expires}: {waiver.reason}"
                )

    def _lasts(self, waiver: Waiver) -> bool:
        if waiver.rule:
            check = self._checks.get(waiver.rule)
            return check is not None and bool(_side(check, waiver.site).findings)
        threshold = Threshold(item=waiver.item, site=waiver.site)
        return any(
            side.findings for found in self._report["datasets"] for _, _, side in self._measured_item(threshold, found)
        )

    def _has_waiver(self, rule: str, site: str) -> bool:
        return any(w.covers(rule=rule, site=site) and w.expires >= self._today for w in self._policy.waivers)

    def _waive(self, what: str, *, rule: str = "", item: str = "", site: str = "") -> bool:
        for waiver in self._policy.waivers:
            if waiver.covers(rule=rule, item=item, site=site) and waiver.expires >= self._today:
                ticket = f", {waiver.ticket}" if waiver.ticket else ""
                self.waived.append(f"{what}; waived until {waiver.expires}: {waiver.reason}{ticket}")
                return True
        return False


def _side(check: Mapping[str, Any], site: str) -> Side:
    if not site:
        return Side(number_of_findings(check), check["subjects"], check["checked"])
    counts = check["sites"].get(site, {})
    return Side(counts.get("findings", 0), counts.get("subjects", 0), counts.get("checked", 0))
