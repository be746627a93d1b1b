"""Verbs of the contract that are not there yet: each is refused by name, whatever its options are."""

from __future__ import annotations

import typer

from harmonize.errors import NotAvailableError


def refuse(app: typer.Typer, name: str, full_name: str, help_text: str) -> None:
    """Register *name* as a verb that is planned."""

    def command(context: typer.Context) -> None:
        raise NotAvailableError(f"`harmonize {full_name}`", "`harmonize --help` lists the verbs that are")

    command.__doc__ = f"{help_text}. Planned; refused in this version."
    settings = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": ["--help"]}
    app.command(name, context_settings=settings)(command)
