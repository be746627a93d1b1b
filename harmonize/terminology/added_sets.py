"""Code maps that a user has added, in the folder `code-maps` beside the compiled code systems.

SSSOM TSV stays as it is written, with every column of its own (`terminology add`); other forms are compiled (`mappings add`). A name
stands for one mapping set: what has another mapping_set_id is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from harmonize.errors import CallError, InputError, SpecificationError
from harmonize.shipped import mappings_folder
from harmonize.terminology.sssom import MappingSet, read_mapping_set
from harmonize.terminology.store import user_folder
from harmonize.whole_files import write_whole

FOLDER = "code-maps"
SUFFIX = ".sssom.tsv"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class AddedSet(NamedTuple):
    """A mapping set that was written: its name, id, version, number of rows, and file."""

    name: str
    id: str
    version: str
    rows: int
    file: str


def added_sets(folder: Path | None = None) -> dict[str, Path]:
    """The mapping sets in the folder of compiled code systems *folder*, by default the user's, by name; TSV files and compiled sets."""
    place = (folder or user_folder()) / FOLDER
    tables = {path.name.removesuffix(SUFFIX): path for path in sorted(place.glob(f"*{SUFFIX}"))}
    return {**{path.stem: path for path in sorted(place.glob("*.sqlite"))}, **tables}


def write_set(text: str, folder: Path, file: str) -> AddedSet:
    """Write *text*, which *file* holds as SSSOM TSV, into *folder*. Raises InputError with the row for what is no mapping set."""
    aside = folder / "set.part"
    write_whole(aside, text.encode(), 0o600)
    try:
        found = read_mapping_set(aside)
    except SpecificationError as error:
        raise InputError(error.what, file=file, row=error.line, fix=error.fix) from None
    if not found.rows:
        raise InputError("it holds no mappings", file=file)
    name = name_of(found.id, file)
    aside.replace(folder / f"{name}{SUFFIX}")
    return AddedSet(name, found.id, found.version, len(found.rows), f"{name}{SUFFIX}")


def name_of(mapping_set_id: str, file: str) -> str:
    """The name of the set: the last part of its id.

    >>> name_of("http://purl.obolibrary.org/obo/mondo/mappings/mondo_exactmatch_icd10cm.sssom.tsv", "x")
    'mondo_exactmatch_icd10cm'
    """
    last = re.split(r"[/#:]", mapping_set_id.rstrip("/#"))[-1].removesuffix(".tsv").removesuffix(".sssom")
    name = _NOT_IN_NAMES.sub("_", last).strip("._")[:80]
    if not name:
        raise InputError("its mapping_set_id has no name at its end", file=file)
    return name


def move_sets(aside: Path, into: Path) -> list[Path]:
    """Move what `write_set` wrote in *aside* to where `added_sets` finds it. Raises CallError where a name is taken by another set."""
    place = into / FOLDER
    moved = []
    for path in sorted(aside.glob(f"*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        if (mappings_folder() / "codes" / path.name).exists():
            raise CallError(f"a code map that ships is called {name}. To mend it: give the set another mapping_set_id")
        other = _id_of(place / path.name)
        if other is not None and other.id != read_mapping_set(path).id:
            raise CallError(
                f"another code map is called {name}: {other.id[:200]}. To mend it: delete {place / path.name}"
            )
        place.mkdir(mode=0o700, exist_ok=True)
        path.replace(place / path.name)
        moved.append(place / path.name)
    return moved


def _id_of(path: Path) -> MappingSet | None:
    """The set that lies there; None where there is none, or a damaged one, which may be written over."""
    try:
        return read_mapping_set(path) if path.is_file() else None
    except SpecificationError:
        return None
