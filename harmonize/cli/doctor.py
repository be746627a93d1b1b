"""`harmonize doctor`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from typing import Annotated

import typer

import harmonize
from harmonize.cli.output import print_json

PACKAGES = ("orjson", "jsonschema-rs", "google-re2", "pyyaml", "typer", "zstandard", "ucumvert")


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False) -> None:
    """Versions, what is installed, terminologies and their licences. Nothing is sent anywhere."""
    from harmonize.profiles.specification import profile_ids
    from harmonize.shipped import mappings_folder, ontologies_folder
    from harmonize.terminology.store import Terminologies
    from harmonize.writers import WRITERS

    stores = Terminologies.installed().stores()
    answer = {
        "harmonize": harmonize.__version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "mappings": str(mappings_folder()),
        "ontologies": str(ontologies_folder()),
        "profiles": profile_ids(),
        "targets": list(WRITERS),
        "terminologies": [
            {"system": s.system, "version": s.version, "complete": s.complete, "licence": s.meta["licence"]}
            for s in stores
        ],
    }
    if as_json:
        print_json(answer)
        return
    print(f"harmonize {answer['harmonize']} on Python {answer['python']}")
    for name, version in answer["packages"].items():  # type: ignore[attr-defined]
        print(f"  {name:<16} {version or 'NOT INSTALLED'}")
    print(f"profiles: {', '.join(profile_ids())}; targets: {', '.join(WRITERS)}")
    print(f"mappings in {answer['mappings']}, terminologies in {answer['ontologies']}:")
    for store in stores:
        whole = "whole" if store.complete else "only the codes in use"
        print(f"  {store.system:<12} {store.version or '-':<18} {whole}; {store.meta['licence']}")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
