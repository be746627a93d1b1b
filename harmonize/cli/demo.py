"""`harmonize demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmonize.cli.output import say


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the records; it must be empty.")],
    profile: Annotated[str, typer.Option(envvar="HARMONIZE_PROFILE", help="Profile id.")] = "eu/ern-cde",
    subjects: Annotated[int, typer.Option(min=1, help="How many persons.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed makes the same records.")] = 1,
) -> None:
    """Write synthetic source records of a profile. The persons do not exist."""
    from harmonize.profiles.loading import load_profile
    from harmonize.synthesis.tables import write_tables

    rows = write_tables(load_profile(profile), subjects, seed, out)
    say(f"{subjects} synthetic subjects of {profile} in {out}: {sum(rows.values())} rows in {len(rows)} files")
