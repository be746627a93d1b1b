"""The files of a run: whether they change while they are read, their digests, how much of them was read."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

from harmonize.errors import InputError
from harmonize.input.files import SUFFIXES, Fingerprint, fingerprint, sha256


class WatchedFiles:
    """The input as it was when the run began. Digests are computed aside, while the run goes on."""

    def __init__(self, prints: Mapping[Path, Fingerprint]) -> None:
        """*prints* are the fingerprints from before the first byte was read."""
        self._prints = dict(prints)
        pool = ThreadPoolExecutor(1, "digests")
        self._closed = Event()
        given_up = self._closed.is_set
        self._digests: dict[Path, Future[str]] = {path: pool.submit(sha256, path, given_up) for path in prints}
        pool.shutdown(wait=False)
        text = all(path.suffix not in SUFFIXES for path in prints)
        self._bytes = sum(known.size for known in self._prints.values()) if text else None

    def close(self) -> None:
        """Give up the digests that are not there yet: a run that ended early does not wait for gigabytes that nobody asks for."""
        self._closed.set()

    def as_json(self) -> list[list[str | int]]:
        """Name, size and time of the last change of every file."""
        return [[path.name, known.size, known.modified] for path, known in sorted(self._prints.items())]

    def changed(self) -> list[Path]:
        """The files that are not what they were, or are gone."""
        return [path for path, known in self._prints.items() if not path.exists() or fingerprint(path) != known]

    def digests(self) -> dict[str, str]:
        """SHA-256 by name. Raises InputError where a file is gone."""
        try:
            return {path.name: digest.result() for path, digest in self._digests.items()}
        except OSError:
            raise InputError("a file of the input is gone", fix="convert a copy that nobody writes to") from None

    def share_of(self, read: int) -> float | None:
        """Which part of all bytes *read* is; None for compressed files, of which nobody knows how much they hold."""
        return min(read / self._bytes, 1.0) if self._bytes else None
