"""Where code maps come from: files of every form, the folder of those that were added, a cache of compiled ones.

The cache is addressed by the digests of the file and of the notations that name its codes, and what lies in it is checked against its
own digest before it is used. It can be deleted at any time; where nothing can be written a set is compiled in memory.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, InputError, UnknownNameError
from harmonize.shipped import mappings_folder
from harmonize.terminology.added_sets import FOLDER, added_sets
from harmonize.terminology.code_map_forms import FORMS, form_of, lines_of
from harmonize.terminology.compiled_sets import (
    FORMAT,
    CompiledSet,
    Content,
    collector_paused,
    content_of,
    write_compiled,
)
from harmonize.terminology.formats.source import open_sources
from harmonize.terminology.sssom import MAX_BYTES, read_mapping_set
from harmonize.terminology.store import user_folder
from harmonize.whole_files import write_whole

SUFFIX = ".sssom.tsv"
_PACKED = (".gz", ".xz", ".zip", ".zst", ".bz2")
CACHED_FROM = 20_000
"""Bytes of a file; smaller ones are compiled in memory as fast as they are opened."""


def added_folder() -> Path:
    """Where `harmonize mappings add` puts compiled sets."""
    return user_folder() / FOLDER


def cache_folder() -> Path | None:
    """Where compiled sets are kept: `HARMONIZE_CACHE` (empty: nowhere), else the cache folder of XDG."""
    stated = os.environ.get("HARMONIZE_CACHE")
    if stated is not None:
        return Path(stated) / "code-maps" if stated else None
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # the specification of XDG: ignore it then
        try:
            base = Path.home() / ".cache"
        except RuntimeError:  # nobody's account, as in some containers
            return None
    return base / "harmonize" / "code-maps"


def shipped_sets() -> dict[str, Path]:
    """The code maps that ship, by name.

    >>> sorted(shipped_sets())[0]
    'consent-purpose'
    """
    return {path.name.removesuffix(SUFFIX): path for path in sorted((mappings_folder() / "codes").glob(f"*{SUFFIX}"))}


def find_set(name_or_file: str) -> Path:
    """The file of a set: a path, or the name of one that ships or was added. Raises UnknownNameError, or CallError for a missing file."""
    known = {**shipped_sets(), **added_sets()}
    if name_or_file in known:
        return known[name_or_file]
    path = Path(name_or_file)
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise CallError(
            f"{name_or_file} is no file. To mend it: give an SSSOM TSV file, or a name of those that are installed: {', '.join(known)}"
        )
    raise UnknownNameError("mapping set", name_or_file, known)


def find_table(name_or_file: str) -> Path:
    """As `find_set`, for what needs the file with all of its columns. Raises CallError where only the compiled set is there."""
    path = find_set(name_or_file)
    if path.suffix == ".sqlite":
        raise CallError(f"{name_or_file} is compiled. To mend it: give the SSSOM file that it was added from")
    return path


@collector_paused()
def read_content(path: Path) -> Content:
    """What the file *path* holds, in whatever form and packing. Raises InputError, SpecificationError."""
    if path.suffix not in _PACKED and form_of(_first_line(path)) == "sssom":
        return content_of(read_mapping_set(path))
    sources = open_sources(path)
    if len(sources) != 1:
        raise InputError(f"{len(sources)} files in it: which one is the code map?", file=path.name, fix="unpack it")
    data = b"".join(sources[0].chunks(MAX_BYTES))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not UTF-8", file=path.name, fix="convert it to UTF-8") from None
    form = form_of(text.partition("\n")[0].rstrip("\r"))
    if form != "sssom":
        return FORMS[form].read(sources[0].base, lines_of(text))
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / (path.name.removesuffix(path.suffix) or "set")
        plain.write_bytes(data)
        return content_of(read_mapping_set(plain))


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        return file.readline(4096).decode("utf-8", "replace").rstrip("\r\n")


def load_set(path: Path) -> CompiledSet:
    """The set in *path*, compiled now, before, or in memory. Raises InputError, SpecificationError."""
    if path.suffix == ".sqlite":
        return CompiledSet.open(path)
    digest = _digest(path)
    folder = cache_folder()
    if folder is None or path.stat().st_size < CACHED_FROM:
        return CompiledSet.in_memory(read_content(path), digest)
    key = hashlib.sha256(f"{FORMAT}\n{digest}\n{_digest_of_notations()}\n".encode()).hexdigest()
    compiled, stated = folder / f"{key}.sqlite", folder / f"{key}.sha256"
    if not _is_whole(compiled, stated):
        content = read_content(path)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_compiled(compiled, content, digest)
            write_whole(stated, _digest(compiled).encode(), 0o600)
        except OSError:
            return CompiledSet.in_memory(content, digest)
    return CompiledSet.open(compiled)


def _is_whole(compiled: Path, stated: Path) -> bool:
    try:
        return stated.read_text("ascii") == _digest(compiled)
    except (OSError, UnicodeDecodeError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _digest_of_notations() -> str:
    files = sorted((mappings_folder() / "systems").glob("*.yaml"))
    return hashlib.sha256("".join(f"{path.name} {_digest(path)}\n" for path in files).encode()).hexdigest()


def add_set(path: Path, name: str, into: Path | None = None) -> dict[str, Any]:
    """Compile the code map *path* into the folder of those that were added, as *name*. Raises CallError, InputError, SpecificationError."""
    if not name or not name.replace("-", "").replace(".", "").replace("_", "").isalnum() or not name.isascii():
        raise CallError(
            f"{name[:60]!r} is no name of a code map. To mend it: write letters, digits and dashes with --name"
        )
    if name in shipped_sets():
        raise CallError(f"a code map that ships is called {name}. To mend it: give another --name")
    if not path.is_file():
        raise CallError(f"there is no file {path}. To mend it: check the path")
    folder = into or added_folder()
    if (folder / f"{name}{SUFFIX}").exists():
        raise CallError(
            f"a code map that `terminology add` wrote is called {name}, and would be used. To mend it: give another --name, or delete "
            f"{folder / f'{name}{SUFFIX}'}"
        )
    target = folder / f"{name}.sqlite"
    content = read_content(path)
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        write_compiled(target, content, _digest(path))
    except OSError as error:
        raise CallError(f"cannot write into {folder}: {error.strerror}") from None
    with closing(CompiledSet.open(target)) as made:
        said = [str(stray) for stray in made.strays]
        return {
            "name": name,
            "id": made.id,
            "version": made.version,
            "rows": made.rows,
            "file": str(target),
            "said": said,
        }
