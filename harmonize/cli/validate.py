"""`harmonize validate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from harmonize.cli.output import print_json, say
from harmonize.errors import CallError
from harmonize.findings import Finding

SHOWN = 20


def validate(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A file, a folder of documents, or the folder of a run.")],
    as_format: Annotated[
        str,
        typer.Option(
            "--as", help="hub, fhir-r4, phenopackets, or a data set: hmd, mdc, erdri-cds ...; a release of it: hmd@1.0."
        ),
    ],
    level: Annotated[
        str | None,
        typer.Option(
            envvar="HARMONIZE_LEVEL",
            help="For data sets: mandatory (default), recommended or optional: what must not be missing.",
        ),
    ] = None,
    petal: Annotated[
        str | None,
        typer.Option(
            envvar="HARMONIZE_PETAL",
            help="For data sets: the use cases of all records, as cancer,goe. Without it each record shows its own.",
        ),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help="For data sets: write one line of JSON for each record, with the state of each item."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", envvar="HARMONIZE_STRICT", help="Leave with 1 where there is a warning.")
    ] = False,
) -> None:
    """Judge documents, ours or others': structure, required elements, references, codes, contradictions, items of a data set."""
    from harmonize.checks.conformance import is_dataset

    if is_dataset(as_format):
        petals = [name.strip() for name in petal.split(",") if name.strip()] if petal is not None else None
        _grade(path, as_format, level or "mandatory", petals, records, as_json=as_json)
        return
    for option in ("level", "petal", "records"):
        source = context.get_parameter_source(option)
        if source is not None and source.name == "COMMANDLINE":  # in the environment it is for other calls
            raise CallError(f"--{option} is for data sets. To mend it: leave it out, or give a data set to --as")
    _judge(path, as_format, as_json=as_json, strict=strict)


def _grade(
    path: Path, name: str, level: str, petals: Sequence[str] | None, records: Path | None, *, as_json: bool
) -> None:
    from harmonize.checks.conformance import Conformance, conformance
    from harmonize.checks.document_files import folders_not_read
    from harmonize.datasets.statuses import COUNTED

    result: Conformance = conformance(path, name, level=level, petals=petals, records_file=records)
    _say_not_read(folders_not_read(path, "hub"))
    if as_json:
        items = [
            {
                "id": counts.item.id,
                "class": counts.item.class_name,
                "item": counts.item.item,
                "level": counts.level,
                **counts.records,
                "objects": counts.objects,
            }
            for counts in result.items
        ]
        findings = [finding.as_json() for finding in result.findings]
        print_json(
            {
                "dataset": result.dataset.name,
                "version": result.version,
                "level": result.level,
                "records": result.records,
                "unreadable": result.unreadable,
                "conforms": result.conforms,
                "items": items,
                "findings": findings,
                "counts": _rule_counts(result.counts),
            }
        )
    else:
        verdict = "conform" if result.conforms else "do not all conform"
        print(
            f"{result.records} records graded by {result.dataset.title} {result.version}, level {level}: they {verdict}"
        )
        heads = ("filled", "null fl.", "missing", "not appl.", "invalid", "not ch.")
        print("\n" + " ".join(f"{head:>9}" for head in heads) + "  level        class, item")
        for counts in result.items:
            n, item = counts.records, counts.item
            print(
                " ".join(f"{n[word]:>9}" for word in COUNTED) + f"  {counts.level:<12} {item.class_name}, {item.item}"
            )
        print()
        _print_rules(result.counts)
        _print_findings(result.findings)
    if not result.conforms:
        raise typer.Exit(1)


def _judge(path: Path, as_format: str, *, as_json: bool, strict: bool) -> None:
    from harmonize.checks.document_files import folders_not_read
    from harmonize.checks.documents import validate as judge
    from harmonize.convert import default_instant

    result = judge(path, as_format, default_instant())
    _say_not_read(folders_not_read(path, as_format))
    by_severity = result.by_severity()
    if as_json:
        findings = [finding.as_json() for finding in result.findings]
        print_json(
            {
                "records": result.records,
                "items": [],
                "findings": findings,
                "counts": _rule_counts(result.counts),
                "not_checked": result.not_checked,
            }
        )
    else:
        print(
            f"{result.records} documents judged as {as_format}: {', '.join(f'{n} {s}' for s, n in by_severity.items()) or 'nothing found'}"
        )
        _print_rules(result.counts)
        if result.not_checked:
            print(f"  not checked, for want of a code system: {', '.join(result.not_checked)}")
        _print_findings(result.findings)
    if by_severity.get("error") or by_severity.get("fatal") or (strict and by_severity.get("warning")):
        raise typer.Exit(1)


def _say_not_read(folders: Sequence[str]) -> None:
    if folders:
        say(f"note: folders inside of it are not read; give each by itself: {', '.join(folders)}")


def _rule_counts(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    from harmonize.checks.catalogue import rule

    return [{"rule": name, "severity": rule(name).severity.value, "findings": n} for name, n in sorted(counts.items())]


def _print_rules(counts: Mapping[str, int]) -> None:
    from harmonize.checks.catalogue import rule

    for name, number in sorted(counts.items(), key=lambda pair: (rule(pair[0]).severity.value, -pair[1])):
        print(f"  {rule(name).severity.value:<8} {name:<36} {number:>7}  {rule(name).title}")


def _print_findings(findings: Sequence[Finding]) -> None:
    """What is wrong, equal findings together: how many of those that are kept, and where the first one stands."""
    alike: dict[tuple[str, str | None, str], list[Finding]] = {}
    for finding in findings:
        if finding.severity.value in ("fatal", "error", "warning"):
            alike.setdefault((finding.rule, finding.item, finding.message), []).append(finding)
    for several in sorted(alike.values(), key=len, reverse=True)[:SHOWN]:
        first = several[0]
        where = f"{first.cell.file}, line {first.cell.row}" if first.cell else ""
        place = f"{where} {first.path or '/'}" if where else "the whole set"
        print(
            f"    {len(several)} x {first.message}; first: {place}"
            if len(several) > 1
            else f"    {place}: {first.message}"
        )
    if len(alike) > SHOWN:
        print(f"    ... and {len(alike) - SHOWN} more kinds; all with --json")
