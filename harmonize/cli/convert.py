"""`harmonize convert`."""

from __future__ import annotations

import datetime as dt
import glob
import re
from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.output import print_json, say
from harmonize.errors import CallError, NotAvailableError


def convert(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Files, folders or globs; .gz, .zst and .zip are read in place."),
    ],
    profile: Annotated[
        str, typer.Option(envvar="HARMONIZE_PROFILE", help="Profile id such as eu/ern-cde, or a folder.")
    ],
    to: Annotated[
        str, typer.Option(envvar="HARMONIZE_TO", help="Targets: hub, fhir-r4, phenopackets; several with commas.")
    ],
    out: Annotated[
        Path, typer.Option(envvar="HARMONIZE_OUT", help="Folder for what is written; empty, or of an earlier run.")
    ],
    pseudonym_key: Annotated[
        Path | None,
        typer.Option(envvar="HARMONIZE_PSEUDONYM_KEY", help="Key file; make one with `harmonize key new FILE`."),
    ] = None,
    site: Annotated[
        str, typer.Option(envvar="HARMONIZE_SITE", help="Name of the site; part of every pseudonym.")
    ] = "site",
    consent: Annotated[
        str,
        typer.Option(envvar="HARMONIZE_CONSENT", help="require: who refused is skipped; record: consent is only data."),
    ] = "require",
    recorded: Annotated[
        str | None,
        typer.Option(
            envvar="HARMONIZE_RECORDED", help="The instant that documents show. Default: SOURCE_DATE_EPOCH, else now."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(envvar="HARMONIZE_JOBS", min=1, help="Processes.")] = 1,
    engine: Annotated[str, typer.Option(envvar="HARMONIZE_ENGINE", help="local.")] = "local",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            envvar="HARMONIZE_RESUME",
            help="Go on where a run into --out was stopped; the same bytes come out.",
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            envvar="HARMONIZE_LIMIT", min=0, help="Convert the first N subjects; the others are counted as skipped."
        ),
    ] = None,
    max_errors: Annotated[
        str, typer.Option(envvar="HARMONIZE_MAX_ERRORS", help="Rejected rows allowed, as a number or as N%.")
    ] = "10%",
    include_values: Annotated[
        bool,
        typer.Option(
            "--include-values",
            envvar="HARMONIZE_INCLUDE_VALUES",
            help="Put rejected rows' cells into private/rejects.ndjson.",
        ),
    ] = False,
    memory: Annotated[
        str | None,
        typer.Option(
            envvar="HARMONIZE_MEMORY",
            help="Memory that sorting may take, such as 2GB. Default: a share of the machine's or container's.",
        ),
    ] = None,
    xsd: Annotated[
        list[Path] | None,
        typer.Option(
            envvar="HARMONIZE_XSD", help="XSD of the format, or a folder with it: XML is judged by it (source.schema)."
        ),
    ] = None,
    checkpoint: Annotated[
        float, typer.Option(envvar="HARMONIZE_CHECKPOINT", min=0, help="Seconds between two checkpoints for --resume.")
    ] = 10.0,
    layout: Annotated[str, typer.Option(envvar="HARMONIZE_LAYOUT", help="ndjson.")] = "ndjson",
    strict: Annotated[
        bool,
        typer.Option("--strict", envvar="HARMONIZE_STRICT", help="Leave with 1 where there is a warning or an error."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", envvar="HARMONIZE_QUIET", help="No summary on stderr.")] = False,
) -> None:
    """Convert national records into shared forms, with an account of every value."""
    from harmonize.cli.progress import shown_progress
    from harmonize.convert import CONSENT_MODES, RunOptions, Settings, convert_files, default_instant
    from harmonize.pseudonyms import read_key
    from harmonize.report.summary import summary_text
    from harmonize.report.totals import findings_by_severity

    _refuse_what_is_planned(engine, layout)
    if consent not in CONSENT_MODES:
        raise CallError(
            f"--consent {consent!r} is none of {', '.join(CONSENT_MODES)}. "
            "To mend it: require leaves out who refused, record takes consent as data"
        )
    if pseudonym_key is None:
        raise CallError(
            "there is no pseudonym key, and identifiers never leave without one. "
            "To mend it: `harmonize key new FILE`, then --pseudonym-key FILE or HARMONIZE_PSEUDONYM_KEY=FILE"
        )
    targets = tuple(dict.fromkeys(name.strip() for name in to.split(",") if name.strip()))
    if not targets:
        raise CallError("--to names no target. To mend it: --to hub,fhir-r4,phenopackets")
    settings = Settings(
        profile=profile,
        targets=targets,
        key=read_key(pseudonym_key),
        site=site,
        consent=consent,
        recorded=_instant(recorded) if recorded else default_instant(),
        include_values=include_values,
    )
    with shown_progress(quiet=quiet) as show:
        options = RunOptions(
            inputs=paths_of(inputs),
            out=out,
            jobs=jobs,
            limit=limit,
            max_errors=max_errors,
            resume=resume,
            memory=_bytes(memory),
            checkpoint_seconds=checkpoint,
            schemas=tuple(xsd or ()),
            progress=show,
        )
        outcome = convert_files(settings, options)
    say(summary_text(outcome.report), quiet=quiet)
    say(
        f"written to {out}; findings in {out}/private/findings.ndjson; `harmonize report build {out}` explains them",
        quiet=quiet,
    )
    if as_json:
        print_json(outcome.manifest)
    if outcome.rejected_too_many is not None:
        raise outcome.rejected_too_many
    if outcome.partly_read:
        say(
            "harmonize: input was only partly read, the run is partial. "
            f"To mend it: correct what the fatal findings in {out}/private/findings.ndjson name, and convert again"
        )
        raise typer.Exit(3)
    counts = findings_by_severity(outcome.report)
    if strict and any(counts[name] for name in ("fatal", "error", "warning")):
        raise typer.Exit(1)


def _refuse_what_is_planned(engine: str, layout: str) -> None:
    if engine == "spark":
        raise NotAvailableError("--engine spark", "Engines that are: local")
    if engine != "local":
        raise CallError(f"--engine {engine!r} is not known. Engines that are: local")
    if layout == "files":
        raise NotAvailableError("--layout files", "Layouts that are: ndjson")
    if layout != "ndjson":
        raise CallError(f"--layout {layout!r} is not known. Layouts that are: ndjson")


def paths_of(inputs: list[str]) -> tuple[Path, ...]:
    """Files and folders; a pattern with * ? [ is expanded here where the shell did not."""
    paths: list[Path] = []
    for text in inputs:
        if not Path(text).exists() and any(character in text for character in "*?["):
            found = sorted(glob.glob(text))  # noqa: PTH207 - a pattern may start at the root
            if not found:
                raise CallError(f"no file matches {text}. To mend it: check the pattern and the folder")
            paths += map(Path, found)
        else:
            paths.append(Path(text))
    return tuple(paths)


def _bytes(text: str | None) -> int | None:
    """`512MB` or `2GB` as bytes."""
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})(MB|GB)", text.strip().upper())
    if match is None or match[1] == "0":
        raise CallError("--memory is no amount of memory. To mend it: write 512MB or 2GB")
    return int(match[1]) << (20 if match[2] == "MB" else 30)


def _instant(text: str) -> str:
    """An RFC 3339 instant as UTC with Z, whole seconds."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CallError("--recorded is no RFC 3339 instant. To mend it: write 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise CallError("--recorded has no time zone. To mend it: write 2026-01-31T12:00:00Z")
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
