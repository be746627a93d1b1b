"""`junit.xml`: a suite for each family of rules, a test case for each rule, for the test pages of Jenkins, GitLab and others.

There is no standard. The shape is what two schemas demand together: the Apache Ant one of Windy Road (JUnit.xsd) and that of the xUnit
plugin of Jenkins (junit-10.xsd). Nothing is timed, so every time is 0; documents of others have no instant, and no timestamp.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from harmonize.checks.catalogue import FAMILIES, rules
from harmonize.report.comparison import instant_of
from harmonize.report.places import places
from harmonize.report.run_report import status_of
from harmonize.report.totals import severities_text, sites_of, status_of_runs, worst_severity
from harmonize.safe_text import plain

_NOT_XML = re.compile("[\ufffe\uffff]")
"""What XML 1.0 has no character for, beside what `plain` writes as numbers (section 2.2)."""


def junit(report: Mapping[str, Any]) -> bytes:
    """The report as JUnit XML. What fails or warns is a failure, what nobody looked at is skipped; notes (info) are no failure."""
    root = ElementTree.Element("testsuites")
    for number, family in enumerate(FAMILIES):
        checks = [check for check in report["checks"] if check["family"] == family]
        root.append(_suite(report, family, number, checks))
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(report: Mapping[str, Any], family: str, number: int, checks: list[Mapping[str, Any]]) -> ElementTree.Element:
    statuses = [status_of(check) for check in checks]
    suite = ElementTree.Element(
        "testsuite",
        name=family,
        package="harmonize",
        id=str(number),
        hostname="localhost",  # as the schema has it where no host is known: a report does not say
        tests=str(len(checks)),
        failures=str(sum(status in ("failed", "warned") for status in statuses)),
        errors="0",
        skipped=str(statuses.count("not-checked")),
        time="0",
    )
    if instant := instant_of(report):
        suite.set("timestamp", instant[:19])
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("site", ", ".join(sites_of(report))), ("input", status_of_runs(report))):
        ElementTree.SubElement(properties, "property", name=name, value=_text(value))
    suite.extend(_case(check, status) for check, status in zip(checks, statuses, strict=True))
    ElementTree.SubElement(suite, "system-out").text = _text(_noted(checks, statuses))
    ElementTree.SubElement(suite, "system-err")
    return suite


def _case(check: Mapping[str, Any], status: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", name=check["rule"], classname=f"harmonize.{check['family']}", time="0")
    if status == "not-checked":
        ElementTree.SubElement(case, "skipped", message="not checked: nobody looked")
    elif status in ("failed", "warned"):
        message = f"{check['title']}: {_counts(check)}"
        failure = ElementTree.SubElement(case, "failure", type=worst_severity(check), message=_text(message))
        failure.text = "\n".join(_details(check))
    return case


def _counts(check: Mapping[str, Any]) -> str:
    return f"{severities_text(check)}; {check['subjects']} subjects of {check['checked']} checked"


def _details(check: Mapping[str, Any]) -> list[str]:
    known = rules().get(check["rule"])
    found = [_text(f"{place.words}: {place.message}" if place.words else place.message) for place in places(check)]
    return [*found, *([f"To mend it: {known.mend}"] if known else [])]


def _noted(checks: list[Mapping[str, Any]], statuses: list[str]) -> str:
    noted = [check for check, status in zip(checks, statuses, strict=True) if status == "noted"]
    return "; ".join(f"{check['rule']}: {severities_text(check)}" for check in noted)


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", plain(text))
