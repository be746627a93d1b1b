"""Readers: bytes of a physical format -> the rows of one subject at a time. They know no country.

Members of this package do not import one another; what they share is `harmonize.input`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from harmonize.errors import NotAvailableError
from harmonize.input.log import ReadLog
from harmonize.profiles.assembly import RawSubject
from harmonize.profiles.specification import Profile


class Source(Protocol):
    """An opened source: what it holds is known, nothing of it is in memory."""

    headers: Mapping[str, Sequence[str]]
    """Physical table -> its columns."""
    files: Mapping[str, str]
    """Physical table -> its file, as findings name it."""
    digests: Mapping[str, str]
    log: ReadLog

    def subjects(self) -> Iterator[RawSubject]:
        """The subjects in the order of their identifiers."""
        ...


_READERS: Mapping[str, str] = {
    "delimited": "harmonize.readers.delimited:open_source",
    "redcap": "harmonize.readers.redcap:open_source",
}


def open_source(profile: Profile, inputs: Sequence[Path], work: Path) -> Source:
    """Open *inputs* with the reader that *profile* names; *work* is a private folder for what must be sorted.

    Raises InputError where the input cannot be used at all.
    """
    dotted = _READERS.get(profile.assembly.reader)
    if dotted is None:
        raise NotAvailableError(f"the reader {profile.assembly.reader!r}")
    module, function = dotted.split(":")
    opener: Callable[[Profile, Sequence[Path], Path], Any] = getattr(importlib.import_module(module), function)
    source: Source = opener(profile, inputs, work)
    return source
