"""Finds `mappings/` and `ontologies/`, in the wheel or in the checkout. The only file that knows where they lie."""

from __future__ import annotations

from pathlib import Path

from harmonize.errors import SpecificationError

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    """The folder *name*: inside the installed wheel, else at the top of the checkout (editable install)."""
    for candidate in (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise SpecificationError(f"the folder {name}/ is not installed", fix="reinstall harmonize from its wheel")


def mappings_folder() -> Path:
    """The folder that holds profiles, code systems and data sets.

    >>> (mappings_folder() / "prefixes.yaml").is_file()
    True
    """
    return _folder("mappings")


def ontologies_folder() -> Path:
    """The folder that holds `manifest.yaml` and the compiled terminologies that ship.

    >>> (ontologies_folder() / "manifest.yaml").is_file()
    True
    """
    return _folder("ontologies")
