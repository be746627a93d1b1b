"""Readers: bytes of a physical format -> the rows of one subject at a time. They know no country.

Members of this package do not import one another; what they share is `harmonize.input`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from harmonize.errors import NotAvailableError
from harmonize.findings import Cell, Finding, Severity
from harmonize.input.cells import readable_name
from harmonize.input.files import folders_passed_over, require_text_name
from harmonize.input.log import ReadLog
from harmonize.input.opening import Opening
from harmonize.profiles.assembly import RawSubject


class Source(Protocol):
    """An opened source: what it holds is known, nothing of it is in memory."""

    headers: Mapping[str, Sequence[str]]
    """Physical table -> its columns."""
    kept: Mapping[str, Sequence[int]]
    """Physical table -> indexes of the columns whose cells the rows hold."""
    files: Mapping[str, str]
    """Physical table -> its file, as findings name it."""
    inputs: Sequence[Path]
    """The files that are read."""
    parts: Sequence[str]
    """The documents that rows are in, by the index that is part of a row's number; none where a table is a file."""
    references: Mapping[str, Path]
    """Tables that are looked up by key -> the file that they were brought into."""
    log: ReadLog

    def subjects(self) -> Iterator[RawSubject]:
        """The subjects in the order of their identifiers. Raises RowsOutOfOrder where they are not; see `input.subjects`."""
        ...


_READERS: Mapping[str, str] = {
    "delimited": "harmonize.readers.delimited:open_source",
    "redcap": "harmonize.readers.redcap:open_source",
    "relational": "harmonize.readers.relational:open_source",
    "xml": "harmonize.readers.xml:open_source",
}


def open_source(opening: Opening) -> Source:
    """Open the inputs with the reader that the profile names.

    Raises InputError where the input cannot be used at all.
    """
    dotted = _READERS.get(opening.profile.assembly.reader)
    if dotted is None:
        raise NotAvailableError(f"the reader {opening.profile.assembly.reader!r}")
    module, function = dotted.split(":")
    opener: Callable[[Opening], Any] = getattr(importlib.import_module(module), function)
    source: Source = opener(opening)
    for path in source.inputs:
        require_text_name(path)
    source.log.findings += [_of_folder(path) for path in folders_passed_over(opening.inputs, opening.work)]
    return source


def _of_folder(path: Path) -> Finding:
    name = f"{readable_name(path.name)}/"
    message = f"{name} is a folder inside a folder of the input, and was not read"
    fix = "give the folder itself, beside the other input, if it holds input; else move it away"
    return Finding("source.unknown-file", Severity.WARNING, message, cell=Cell(name, None, None), fix=fix)
