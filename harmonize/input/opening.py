"""What a reader is told when it opens a source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harmonize.profiles.specification import Profile


@dataclass(frozen=True)
class Opening:
    """The call of a reader."""

    profile: Profile
    inputs: tuple[Path, ...]
    """Files and folders."""
    work: Path
    """A private folder for what must be sorted or looked up."""
    to_sort: frozenset[str] = frozenset()
    """Physical tables that are known not to be in the order of the subjects."""
    memory: int | None = None
    """Bytes that sorting may take; None: a share of what there is."""
    schemas: tuple[Path, ...] = ()
    """XSDs, as files or folders, by which XML documents are judged."""
