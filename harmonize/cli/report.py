"""`harmonize report build`; the other verbs of `report` are planned and refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.output import say
from harmonize.cli.planned import refuse
from harmonize.errors import NotAvailableError, UnknownNameError

app = typer.Typer(help="Conformance reports of a run.", no_args_is_help=True, rich_markup_mode=None)
FORMATS = ("md", "json")
PLANNED_FORMATS = ("html", "junit", "sarif", "csv", "operation-outcome")


@app.command("build")
def build(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    formats: Annotated[str, typer.Option(envvar="HARMONIZE_FORMATS", help="md, json; several with commas.")] = "md",
    baseline: Annotated[Path | None, typer.Option(help="Planned; refused in this version.")] = None,
    fail_on: Annotated[str | None, typer.Option(help="Planned; refused in this version.")] = None,
) -> None:
    """Print a readable summary and write report.md beside report.json."""
    from harmonize.report.summary import read_report, summary_text, write_markdown

    if baseline is not None or fail_on is not None:
        raise NotAvailableError("--baseline and --fail-on", "They come with the full report")
    names = [name.strip() for name in formats.split(",") if name.strip()]
    for name in names:
        if name in PLANNED_FORMATS:
            raise NotAvailableError(f"the report format {name!r}", f"Formats that are: {', '.join(FORMATS)}")
        if name not in FORMATS:
            raise UnknownNameError("report format", name, FORMATS)
    report = read_report(folder)
    print(summary_text(report))
    if "md" in names:
        say(f"written: {write_markdown(folder, report)}")


refuse(app, "diff", "report diff", "Compare two report.json files")
refuse(app, "merge", "report merge", "Merge report.json files")
refuse(app, "trend", "report trend", "The course of several runs")
