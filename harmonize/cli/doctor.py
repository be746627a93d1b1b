"""`harmonize doctor`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from typing import Annotated

import typer

import harmonize
from harmonize.cli.output import print_json, say_damaged, say_editions

PACKAGES = ("orjson", "jsonschema-rs", "google-re2", "pyyaml", "typer", "zstandard", "ucumvert")


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False) -> None:
    """Versions, what is installed, terminologies and their licences. Nothing is sent anywhere."""
    from harmonize.profiles.specification_files import profile_ids
    from harmonize.shipped import mappings_folder, ontologies_folder
    from harmonize.terminology.installed import installed_systems
    from harmonize.terminology.store import Terminologies
    from harmonize.writers import WRITERS

    systems, wrong = installed_systems(Terminologies.installed())
    answer = {
        "harmonize": harmonize.__version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "mappings": str(mappings_folder()),
        "ontologies": str(ontologies_folder()),
        "profiles": profile_ids(),
        "targets": list(WRITERS),
        "terminologies": [
            {key: entry[key] for key in ("system", "version", "complete", "licence", "tier", "sha256")}
            for entry in systems
        ],
        "damaged": [str(error) for error in wrong],
    }
    if as_json:
        print_json(answer)
        say_damaged(wrong)
        return
    print(f"harmonize {answer['harmonize']} on Python {answer['python']}")
    for name, version in answer["packages"].items():  # type: ignore[attr-defined]
        print(f"  {name:<16} {version or 'NOT INSTALLED'}")
    print(f"profiles: {', '.join(profile_ids())}; targets: {', '.join(WRITERS)}")
    print(f"mappings in {answer['mappings']}, terminologies in {answer['ontologies']}:")
    for entry in systems:
        whole = "whole" if entry["complete"] else "only some of its codes"
        print(
            f"  {entry['system']:<12} {entry['version'] or '-':<18} {whole}; {entry['tier']}; {entry['licence']}; {entry['sha256']}"
        )
        say_editions(entry)
    say_damaged(wrong)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
