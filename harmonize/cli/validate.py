"""`harmonize validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.output import print_json
from harmonize.errors import NotAvailableError

SHOWN = 20


def validate(
    path: Annotated[Path, typer.Argument(help="A file, a folder of documents, or the folder of a run.")],
    as_format: Annotated[str, typer.Option("--as", help="hub, fhir-r4 or phenopackets.")],
    level: Annotated[
        str | None, typer.Option(envvar="HARMONIZE_LEVEL", help="Planned with the data sets; refused in this version.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", envvar="HARMONIZE_STRICT", help="Leave with 1 where there is a warning.")
    ] = False,
) -> None:
    """Judge documents, ours or others': structure, required elements, references, codes, contradictions."""
    from harmonize.checks.catalogue import rule
    from harmonize.checks.documents import validate as judge

    if level is not None:
        raise NotAvailableError("--level", "Levels come with the data sets (hmd, mdc, erdri-cds, rd-cdm, goe)")
    result = judge(path, as_format)
    by_severity = result.by_severity()
    if as_json:
        findings = [finding.as_json() for finding in result.findings]
        counts = [
            {"rule": name, "severity": rule(name).severity.value, "findings": n}
            for name, n in sorted(result.counts.items())
        ]
        print_json({"records": result.records, "items": [], "findings": findings, "counts": counts})
    else:
        print(
            f"{result.records} documents judged as {as_format}: {', '.join(f'{n} {s}' for s, n in by_severity.items()) or 'nothing found'}"
        )
        for name, number in sorted(result.counts.items(), key=lambda pair: (rule(pair[0]).severity.value, -pair[1])):
            print(f"  {rule(name).severity.value:<8} {name:<36} {number:>7}  {rule(name).title}")
        grave = [f for f in result.findings if f.severity.value in ("fatal", "error", "warning")]
        for finding in grave[:SHOWN]:
            where = f"{finding.cell.file}, line {finding.cell.row}" if finding.cell else ""
            print(f"    {where} {finding.path or '/'}: {finding.message}")
        if len(grave) > SHOWN:
            print("    ... and more; all with --json")
    if by_severity.get("error") or by_severity.get("fatal") or (strict and by_severity.get("warning")):
        raise typer.Exit(1)
