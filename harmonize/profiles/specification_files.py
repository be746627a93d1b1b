"""The files of a profile: where its folder is, what may be read of it, and its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, SpecificationError, UnknownNameError
from harmonize.shipped import mappings_folder
from harmonize.terminology.strict_yaml import load_strict_yaml

_FILES = ("profile.yaml", "source.yaml", "map.yaml")


def profile_folder(name: str) -> Path:
    """The folder of the profile *name*: an id such as `eu/ern-cde`, or a path to a folder with a `profile.yaml`."""
    candidate = Path(name)
    if (candidate / "profile.yaml").is_file():
        return candidate.resolve()
    known = profile_ids()
    if name in known:
        return mappings_folder() / name
    if candidate.is_dir() or name.startswith((".", "/", "~")):
        raise CallError(
            f"{name} is no folder with a profile.yaml. To mend it: check the path, or give one of {', '.join(known)}"
        )
    raise UnknownNameError("profile", name, known)


def profile_ids() -> list[str]:
    """The ids of the profiles that are installed.

    >>> "eu/ern-cde" in profile_ids()
    True
    """
    return sorted(f"{p.parent.parent.name}/{p.parent.name}" for p in mappings_folder().glob("*/*/profile.yaml"))


MAX_FILE_BYTES = 100_000_000
"""The largest file of a profile that is read at all, a code map; what each kind of file may hold is for its reader to say."""


def folder_digest(folder: Path) -> str:
    """SHA-256 over the specification files of a profile, in the order of their paths. Raises SpecificationError for one that is none."""
    digest = hashlib.sha256()
    files = [folder / n for n in _FILES] + sorted((folder / "codes").glob("*.tsv"))
    for file in files:
        require_inside(file, folder)
        if file.stat().st_size > MAX_FILE_BYTES:
            raise SpecificationError(f"larger than {MAX_FILE_BYTES} bytes", file=str(file))
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def read_file(path: Path) -> tuple[Any, Mapping[str, int]]:
    """The tree of a YAML file, and the line of every JSON Pointer in it. Raises SpecificationError where it is missing or wrong."""
    if not path.is_file():
        raise SpecificationError(
            "the file is missing", file=str(path), fix="a profile has profile.yaml, source.yaml and map.yaml"
        )
    require_inside(path, path.parent)
    return load_strict_yaml(path, name=str(path))


def require_inside(path: Path, folder: Path) -> None:
    """Raise SpecificationError where *path* is no ordinary file of *folder*: a link out of it, a pipe, a device."""
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise SpecificationError(
            "it is no ordinary file inside of the profile's folder", file=str(path), fix="put the file itself there"
        )
