"""Documents of subjects in the order in which they are read, given back in the order of the identifiers, in flat memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from heapq import merge
from pathlib import Path

RUN = 50_000
"""Places that are sorted at once, of 130 bytes in memory each. Each run is a file that stays open while they are merged."""


class Spool:
    """A private file of documents, and the places of the documents in runs that are sorted each and merged at the end.

    Where the documents come in the order of the identifiers, nothing is sorted.
    """

    def __init__(self, folder: Path, name: str, order: str, run: int = RUN) -> None:
        """*folder* is a private folder, *order* that of the identifiers (`text` or `numeric`)."""
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        self._folder, self._name, self._order, self._run = folder, name, order, run
        self._documents = folder / f"{name}.documents"
        self._runs: list[Path] = []
        self._places: list[bytes] = []
        self._last = b""
        self._in_order = True
        self._end = 0

    def write(self, subjects: Iterable[tuple[str, int, bytes]]) -> None:
        """Add (identifier, number, JSON) of subjects."""
        with self._documents.open("ab") as documents:
            for key, number, document in subjects:
                place = self._place(key.encode(), number, len(document))
                self._in_order = self._in_order and self._last <= place
                self._last = place
                self._places.append(place)
                self._end += len(document) + 1
                documents.write(document + b"\n")
                if len(self._places) == self._run:
                    self._put_aside()

    def read(self) -> Iterator[bytes]:
        """The documents in the order of the identifiers, those of one identifier by number."""
        with ExitStack() as opened:
            documents = opened.enter_context(self._documents.open("rb"))
            if self._in_order:
                yield from documents
                return
            runs = [opened.enter_context(path.open("rb")) for path in self._runs]
            for place in merge(*runs, sorted(self._places)):
                start, length = place.split(b"\t")[2].split()
                documents.seek(int(start))
                yield documents.read(int(length))

    def _place(self, code: bytes, number: int, length: int) -> bytes:
        """A line that sorts as the document does: the identifier in hexadecimal digits, which all come after the tab, then the number."""
        digits = len(code) if self._order == "numeric" else 0
        return b"%08d%s\t%020d\t%d %d\n" % (digits, code.hex().encode(), number, self._end, length)

    def _put_aside(self) -> None:
        path = self._folder / f"{self._name}.{len(self._runs)}.places"
        with path.open("wb") as file:
            file.writelines(sorted(self._places))
        self._runs.append(path)
        self._places.clear()
