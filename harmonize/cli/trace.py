"""`harmonize trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.output import print_json


def trace(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    subject: Annotated[str, typer.Option(help="The subject's pseudonym.")],
    path: Annotated[
        str | None,
        typer.Option(help="JSON Pointer into the hub record, or TARGET:/... such as phenopackets:/diseases/0."),
    ] = None,
    inputs: Annotated[
        list[Path] | None, typer.Option("--input", help="The input of the run; only then values are shown.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Which file, row, column and rule made an element of a subject's record or documents."""
    from harmonize.trace import trace as origins

    found = origins(folder, subject, path, inputs or [])
    if as_json:
        print_json([origin.as_json() for origin in found])
        return
    for origin in found:
        value = f" = {origin.value}" if origin.value is not None else ""
        print(
            f"{origin.path}\n    {origin.file}, row {origin.row}, column {origin.column}{value}\n    by {origin.rule}"
        )
