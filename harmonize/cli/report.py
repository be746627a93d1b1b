"""`harmonize report`: build, diff, merge, trend."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harmonize.cli.output import print_json, say, write_file
from harmonize.errors import CallError, UnknownNameError

if TYPE_CHECKING:
    from harmonize.report.formats import Material

app = typer.Typer(help="Conformance reports.", no_args_is_help=True, rich_markup_mode=None)
FORMATS = ("html", "json", "md", "junit", "sarif", "operation-outcome", "rdf", "dqv", "earl", "prov", "multiqc", "csv")
"""Those of `harmonize.report.formats`, which `--help` does not load."""


@app.command("build")
def build(
    path: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run; with --as, documents of others.")],
    formats: Annotated[
        str, typer.Option(envvar="HARMONIZE_FORMATS", help=f"{', '.join(FORMATS)}; several with commas.")
    ] = "html,md",
    language: Annotated[
        str, typer.Option(envvar="HARMONIZE_LANGUAGE", help="The language of report.html: en, de.")
    ] = "en",
    out: Annotated[Path | None, typer.Option(help="Where the report goes; for a run, its folder.")] = None,
    datasets: Annotated[
        str, typer.Option(envvar="HARMONIZE_DATASETS", help="Data sets to grade by, as hmd,erdri-cds; none: leave out.")
    ] = "hmd",
    level: Annotated[
        str, typer.Option(envvar="HARMONIZE_LEVEL", help="What must not be missing of them.")
    ] = "mandatory",
    judge: Annotated[
        bool,
        typer.Option(
            "--judge", help="Judge the written documents too, as validate does. It takes longer than the run."
        ),
    ] = False,
    as_format: Annotated[
        str | None, typer.Option("--as", help="The format of documents that others wrote: hub, fhir-r4, phenopackets.")
    ] = None,
    site: Annotated[str, typer.Option(envvar="HARMONIZE_SITE", help="With --as: where they are from.")] = "",
    coverage: Annotated[
        Path | None,
        typer.Option(help="What `mappings coverage --out` wrote of the same input: the codes that the maps cover."),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="A report.json, or the folder of a run, to compare with.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(envvar="HARMONIZE_POLICY", help="Thresholds and waivers, a TOML file.")
    ] = None,
    fail_on: Annotated[
        str, typer.Option(envvar="HARMONIZE_FAIL_ON", help="fatal, error, warning, new; several with commas.")
    ] = "",
    strict: Annotated[
        bool,
        typer.Option("--strict", envvar="HARMONIZE_STRICT", help="What warns fails; so does a run that is partial."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Build the report of a run, or of documents that others wrote, and say whether it passes."""
    from harmonize.curation.coverage import read_tsv
    from harmonize.output_folder import CHECKPOINT
    from harmonize.report.building import ReportRequest, build_report, is_run
    from harmonize.report.code_coverage import with_coverage
    from harmonize.report.comparison import compared
    from harmonize.report.formats import Material, check_formats
    from harmonize.report.policy import read_policy
    from harmonize.report.report_file import read_report
    from harmonize.report.summary import summary_text
    from harmonize.report.verdict import FAIL_ON, verdict_on

    names = _formats(formats)
    if "html" in names:
        _check_language(language)
    fails = _words(fail_on, FAIL_ON, "severity of --fail-on")
    if "new" in fails and baseline is None:
        raise CallError("--fail-on new needs a baseline. To mend it: give --baseline an older report.json")
    if as_format is None and not is_run(path):
        if (path / CHECKPOINT).is_file():
            raise CallError(
                f"the run in {path} was stopped before its end. To mend it: run its `harmonize convert` again with --resume"
            )
        raise CallError(
            f"{path} is no folder of a run that ended. To mend it: give the --out folder of convert, or say with --as what the "
            "documents in it are"
        )
    if as_format is not None and out is None:
        raise CallError("--as needs --out. To mend it: give the folder that the report goes to")
    check_formats(names, of_run=as_format is None)
    request = ReportRequest(tuple(_dataset_names(datasets)), level, judge, site)
    rules_of_node = read_policy(policy) if policy is not None else None
    before = read_report(baseline) if baseline is not None else None
    measured = read_tsv(coverage) if coverage is not None else None
    report = build_report(path, request, as_format)
    if measured is not None:
        report = with_coverage(report, measured)
    changes = compared(before, report) if before is not None else []
    verdict = verdict_on(report, policy=rules_of_node, fail_on=fails, changes=changes, today=_today(), strict=strict)
    of_run = path if as_format is None else None
    material = Material(
        report,
        verdict,
        changes if before is not None else None,
        of_run,
        language=language,
        has_limits=bool(fails or policy),
    )
    written = _write(path, out, names, material)
    if as_json:
        print_json(
            {
                "passes": verdict.passes,
                "failures": verdict.failures,
                "warnings": verdict.warnings,
                "waived": verdict.waived,
                "changes": [change.as_json() for change in changes],
                "written": [str(file) for file in written],
            }
        )
    else:
        print(summary_text(report))
        _print_verdict(verdict, bool(fails or policy))
    if not verdict.passes:
        raise typer.Exit(1)


def _print_verdict(verdict: Any, was_asked: bool) -> None:
    for word, reasons in (("fails", verdict.failures), ("warns", verdict.warnings), ("waived", verdict.waived)):
        for reason in reasons:
            print(f"  {word:<8} {reason}")
    if was_asked:
        print(f"  verdict  {'passes' if verdict.passes else 'fails'}")


def _check_language(name: str) -> None:
    """Before anything is read or written: raises UnknownNameError."""
    from harmonize.report.page_texts import page_texts

    page_texts(name)


def _write(run: Path, out: Path | None, names: Sequence[str], material: Material) -> list[Path]:
    """Write the report into the folder of its run, or into *out*; the files that were written."""
    from harmonize.output_folder import replace_in_run
    from harmonize.report.formats import write_formats
    from harmonize.report.report_file import REPORT, report_bytes, write_report

    folder = out or run
    if out is None:
        replace_in_run(run, REPORT, report_bytes(material.report))
    else:
        write_report(out / REPORT, material.report)
    written = [folder / REPORT, *write_formats(names, material, folder)]
    for file in written:
        say(f"written: {file}")
    return written


def _formats(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            raise UnknownNameError("report format", name, FORMATS)
    return names


def _words(text: str, allowed: Sequence[str], what: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in allowed:
            raise UnknownNameError(what, name, allowed)
    return names


def _dataset_names(text: str) -> list[str]:
    from harmonize.datasets.specification import dataset_names

    names = [name.strip() for name in text.split(",") if name.strip() and name.strip() != "none"]
    for name in names:
        if name.partition("@")[0] not in dataset_names():
            raise UnknownNameError("data set", name, dataset_names())
    return names


def _today() -> dt.date:
    from harmonize.convert.run import default_instant

    return dt.date.fromisoformat(default_instant()[:10])


@app.command("diff")
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="The older report.json, or the folder of its run.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The newer one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """What is new, resolved and persisting between two reports."""
    from harmonize.report.comparison import compared
    from harmonize.report.report_file import read_report

    changes = compared(read_report(before), read_report(after))
    if as_json:
        print_json([change.as_json() for change in changes])
        return
    for change in changes:
        course = f"{change.before.findings:>8} -> {change.after.findings:<8}"
        print(f"{change.change:<12} {change.kind:<5} {change.name:<36} {course} {change.title}")
    if not changes:
        print("neither report found anything")


@app.command("merge")
def merge(
    reports: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Reports of different subjects.")],
    out: Annotated[Path, typer.Option(help="The file that the sum goes to.")],
) -> None:
    """Add reports of several shards or sites up."""
    from harmonize.report.merging import merged
    from harmonize.report.report_file import read_report, write_report

    write_report(out, merged([read_report(path) for path in reports]))
    say(f"written: {out}")


@app.command("trend")
def trend(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of report.json files, or of folders with them.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """The course of every rule over several reports, oldest first."""
    from harmonize.report.comparison import instant_of
    from harmonize.report.comparison import trend as course_of
    from harmonize.report.report_file import read_report

    files = sorted({*folder.glob("*.json"), *folder.glob("*/report.json"), *folder.glob("*/report/report.json")})
    whole = {file for file in files if (file.parent / "report" / "report.json") not in files}
    if not whole:
        raise CallError(
            f"{folder} holds no report.json. To mend it: give a folder that holds reports, or folders of runs"
        )
    reports = sorted((read_report(file) for file in whole), key=instant_of)
    course = course_of(reports)
    if as_json:
        print_json({"recorded": [instant_of(report) for report in reports], "rules": course})
        return
    print(" " * 36 + " ".join(f"{instant_of(report)[:10]:>10}" for report in reports))
    for line in course:
        print(f"{line['rule']:<36}" + " ".join(f"{side['findings']:>10}" for side in line["course"]))


@app.command("disclose")
def disclose(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="A report.json, or the folder of its run.")],
    out: Annotated[Path, typer.Option(help="The CSV file that may be given to others.")],
    threshold: Annotated[int, typer.Option(min=3, help="The smallest count that may be shown.")] = 5,
    rounding: Annotated[int, typer.Option(min=1, help="Counts are rounded to multiples of it; 1 leaves them.")] = 1,
    hide_zeros: Annotated[bool, typer.Option("--hide-zeros", help="Suppress zeros too.")] = False,
    by: Annotated[str, typer.Option(help="site or year: for each of them, and for all together.")] = "",
) -> None:
    """The items of the data sets of a report with small counts suppressed, so that none can be worked out from the others."""
    from harmonize.report.disclosed_items import as_csv, disclosed_items
    from harmonize.report.disclosure import DisclosureControl
    from harmonize.report.report_file import read_report

    known = read_report(report)
    if not known["datasets"]:
        raise CallError("the report grades by no data set. To mend it: `harmonize report build` with --datasets first")
    control = DisclosureControl(threshold, rounding, hide_zeros)
    write_file(out, as_csv(disclosed_items(known, control, by)).encode())
    say(f"written: {out}")
