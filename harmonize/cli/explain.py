"""`harmonize explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from harmonize.cli.output import print_json
from harmonize.errors import CallError


def explain(
    rule_id: Annotated[str | None, typer.Argument(metavar="RULE", help="A rule, such as terms.obsolete.")] = None,
    list_rules: Annotated[bool, typer.Option("--list", help="All rules.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """What a rule checks, why, how, how to mend it and what it means for the data."""
    from harmonize.checks.catalogue import rule, rules

    if list_rules:
        entries = [
            {"rule": r.id, "family": r.family, "severity": r.severity.value, "title": r.title} for r in rules().values()
        ]
        if as_json:
            print_json(entries)
            return
        for entry in entries:
            print(f"{entry['rule']:<36} {entry['severity']:<8} {entry['title']}")
        return
    if rule_id is None:
        raise CallError("explain needs a rule. To mend it: `harmonize explain --list`, then `harmonize explain RULE`")
    known = rule(rule_id)
    if as_json:
        print_json(
            {
                "rule": known.id,
                **{
                    n: str(getattr(known, n))
                    for n in ("family", "severity", "title", "what", "why", "how", "mend", "means", "source")
                },
                "needs": list(known.needs),
                "stages": list(known.stages),
            }
        )
        return
    print(f"{known.id} ({known.family}, {known.severity.value}): {known.title}")
    for label, text in (
        ("what", known.what),
        ("why", known.why),
        ("how", known.how),
        ("to mend it", known.mend),
        ("for the data", known.means),
        ("source", known.source),
        ("needs", ", ".join(known.needs)),
        ("checked", ", ".join(known.stages)),
    ):
        if text:
            print(f"  {label:<13}{text}")
