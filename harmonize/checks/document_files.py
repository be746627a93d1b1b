"""Files of JSON documents, read by one door: NDJSON or .json, as a file, a folder or the folder of a run, with bounds on all of it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from harmonize.errors import CallError, InputError
from harmonize.input.cells import readable_name

MAX_LINE_BYTES = 16 * 1024 * 1024
"""A longer line or .json file is refused: judging it takes seven times its size in memory. NDJSON files may be of any size."""
MAX_OBJECTS = 500_000
MAX_VALUES = 2_000_000
"""Objects and arrays, and values, of one document: two bytes of JSON can take a hundred bytes of memory."""
MAX_DEPTH = 100


class Entry(NamedTuple):
    """One document: where it stands, and its JSON, or why it has none."""

    file: str
    line: int
    document: Any
    problem: str | None


def document_files(path: Path, format_name: str) -> list[Path]:
    """The documents of *path*: a file, a folder of them, or the output folder of a run."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise CallError(
            f"there is nothing at {path}. To mend it: give a file, a folder of documents or the folder of a run"
        )
    folder = _folder_of(path, format_name)
    files = sorted(
        p
        for pattern in ("*.ndjson", "*.ndjson.gz", "*.json", "*.json.gz")
        for p in folder.glob(pattern)
        if p.name not in ("manifest.json", "report.json")
    )
    if not files:
        raise CallError(
            f"{folder} holds no *.ndjson and no *.json. To mend it: give the folder that holds the {format_name} documents"
        )
    return files


def folders_not_read(path: Path, format_name: str) -> list[str]:
    """The names of the folders inside the one that `document_files` looks into: what is in them is not judged, so it must be said."""
    folder = _folder_of(path, format_name)
    inside = folder.iterdir() if folder.is_dir() else ()
    return sorted(readable_name(p.name) for p in inside if p.is_dir() and not p.name.startswith("."))


def _folder_of(path: Path, format_name: str) -> Path:
    """The folder of the documents: of a run that of the format."""
    return path / format_name if (path / format_name).is_dir() else path


def documents_of(file: Path, *, of_any_depth: bool = False) -> Iterator[Entry]:
    """The documents of a file: one a line in NDJSON, one in a .json file. A FHIR Bundle is one document.

    With *of_any_depth* the caller looks at the nesting (`is_deep`): it costs as much as reading the document.
    """
    opened: Any = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rb") as stream:
            if ".json" in file.suffixes[-2:]:
                yield _entry(file.name, 1, stream.read(MAX_LINE_BYTES + 1), of_any_depth)
                return
            number = 0
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if line.strip():
                    yield _entry(file.name, number, line, of_any_depth)
                if len(line) > MAX_LINE_BYTES:
                    return
    except (OSError, EOFError, zlib.error) as error:
        raise InputError("it cannot be read to its end", file=file.name, fix="copy it again") from error


def _entry(file: str, number: int, text: bytes, of_any_depth: bool) -> Entry:
    problem = _size_problem(text)
    if problem is not None:
        return Entry(file, number, None, problem)
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Entry(file, number, None, "it is no JSON")
    if not of_any_depth and is_deep(document):
        return Entry(file, number, None, f"it is nested deeper than {MAX_DEPTH}")
    return Entry(file, number, document, None)


def _size_problem(text: bytes) -> str | None:
    """Why *text* would take too much memory, before it is parsed; None where it would not."""
    if len(text) > MAX_LINE_BYTES:
        return f"the document is longer than {MAX_LINE_BYTES} bytes; write one resource a line (NDJSON)"
    if len(text) > MAX_OBJECTS:  # a shorter one cannot hold as many
        if text.count(b"{") + text.count(b"[") > MAX_OBJECTS:
            return f"it holds more than {MAX_OBJECTS} objects and arrays"
        if text.count(b",") > MAX_VALUES:
            return f"it holds more than {MAX_VALUES} values"
    return None


def is_deep(document: Any) -> bool:
    """Whether *document* is nested deeper than MAX_DEPTH. Level by level, for a recursion would end where Python's does."""
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
            elif isinstance(value, list):
                below += value
        if not below:
            return False
        level = below
    return True
