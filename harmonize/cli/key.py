"""`harmonize key new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.output import say

app = typer.Typer(help="Pseudonym keys.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def group() -> None:
    """Pseudonym keys."""


@app.command("new")
def new(file: Annotated[Path, typer.Argument(help="The file to make; it must not exist.")]) -> None:
    """Make a pseudonym key: 256 random bits, mode 0600. Whoever has it can tell who a pseudonym is."""
    from harmonize.pseudonyms import new_key

    key = new_key(file)
    say(
        f"key {key.key_id} written to {file}. Keep it at the node and back it up: without it no pseudonym can be made again"
    )
