"""`harmonize gdi-validate`: harmonize as a validator of a GDI node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.output import print_json, say, write_file
from harmonize.errors import CallError


def gdi_validate(
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input",
            envvar="HARMONIZE_INPUT",
            help="The job, a JSON object with `files`. Default: /mnt/input/input.json.",
        ),
    ] = None,
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output", envvar="HARMONIZE_OUTPUT", help="Where the result goes. Default: /mnt/output/result.json."
        ),
    ] = None,
    describe: Annotated[
        bool, typer.Option("--describe", help="Print what the validator is, and check nothing.")
    ] = False,
) -> None:
    """Run as a GDI data validator: read a job, write whether each of its files passed or failed, and why."""
    from harmonize.checks.gdi_validator import INPUT, OUTPUT, description, run_job
    from harmonize.convert.run import default_instant

    if describe:
        print_json(description())
        return
    job, out = input_file or INPUT, output_file or OUTPUT
    if out.resolve() == job.resolve():
        raise CallError(f"{out.name} is the job itself. To mend it: give --output another file")
    answer = run_job(job, default_instant())
    if out.resolve() in {Path(path).resolve() for path in answer.paths}:
        raise CallError(f"{out.name} is one of the files of the job. To mend it: give --output another file")
    write_file(out, json.dumps(answer.result, ensure_ascii=False, indent=1).encode() + b"\n")
    if not answer.result["files"]:
        say(f"harmonize: {answer.result['messages'][0]['message']}")
    if answer.exit_code:
        raise typer.Exit(answer.exit_code)
