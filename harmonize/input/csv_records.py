"""Delimited text as records of cells. Encoding, delimiter and quoting are stated by the profile and never guessed."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harmonize.errors import InputError
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.files import open_bytes
from harmonize.input.log import ReadLog
from harmonize.profiles.assembly import BadRow, RawRow

MAX_FIELD = 1_000_000
"""Characters of one cell. A larger one is a broken quote or an attack."""
MAX_RECORD = 4_000_000
"""Characters of one row, and of one line: a file without line breaks, or with quotes that run on, fills no memory."""
MAX_AGAIN = 1_000_000
"""Lines that are read a second time because a quote ran on: a file of nothing else would be read for ever."""
MAX_COLUMNS = 5_000
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


class Dialect(NamedTuple):
    """How a delimited file is written."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    strict: bool = True
    """Whether a quote inside an unquoted cell is an error; data dictionaries that people edit have such quotes."""


def csv_records(path: Path, dialect: Dialect, log: ReadLog | None) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells) of *path*. A record that the csv grammar refuses is given as an empty list."""
    with open_bytes(path) as stream:
        head = stream.peek(4)[:4] if hasattr(stream, "peek") else b""
        for bom, name in _BOMS.items():
            if head.startswith(bom):
                raise InputError(
                    f"the file is {name}, the profile declares {dialect.encoding}",
                    file=path.name,
                    fix=f"convert it to {dialect.encoding}",
                )
        utf8 = dialect.encoding == "utf-8"
        if utf8 and head.startswith(b"\xef\xbb\xbf"):
            stream.read(3)
            if log is not None:
                finding = Finding(
                    "source.byte-order-mark",
                    Severity.INFO,
                    "the file starts with a byte order mark, which was skipped",
                    cell=Cell(path.name, 1, None),
                )
                log.findings.append(finding)
        text = io.TextIOWrapper(
            stream, encoding=dialect.encoding, errors="surrogateescape" if utf8 else "strict", newline=""
        )
        yield from _parse(text, path, dialect, log)


class _Lines:
    """The lines of a file, of which the last ones can be given back. Neither a line nor a row is longer than MAX_RECORD."""

    def __init__(self, text: io.TextIOWrapper, name: str) -> None:
        self._read, self._name = text.readline, name
        self._back: deque[str] = deque()
        self._size = self._again = 0
        self.taken: list[str] = []

    def start(self) -> None:
        """A row begins."""
        self.taken.clear()
        self._size = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._read(MAX_RECORD)
        if not line:
            raise StopIteration
        self.taken.append(line)
        self._size += len(line)
        if self._size >= MAX_RECORD:
            self._refuse_length(line)
        return line

    def _refuse_length(self, line: str) -> None:
        if len(line) >= MAX_RECORD:
            raise InputError(
                f"a line has more than {MAX_RECORD:,} characters",
                file=self._name,
                fix="check that it is a table with line breaks",
            )
        raise csv.Error("the row is too long")

    def give_back(self, lines: list[str]) -> None:
        """Let *lines* come again, before those that are not read yet."""
        self._again += len(lines)
        if self._again > MAX_AGAIN:
            raise InputError(
                "quotes open and do not close all over the file", file=self._name, fix="export it with quotes doubled"
            )
        self._back.extendleft(reversed(lines))


def _parse(
    text: io.TextIOWrapper, path: Path, dialect: Dialect, log: ReadLog | None
) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(MAX_FIELD)
    lines = _Lines(text, path.name)
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=dialect.strict)
    number = 0
    while True:
        number += 1
        lines.start()
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end of data" in str(error) and len(lines.taken) == 1:
                _cut_off(path, number, log)
                return
            # An unclosed quote takes the rows behind it along: only its own line is given up, the others are read anew.
            lines.give_back(lines.taken[1:])
            reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=dialect.strict)
            yield number, []
            continue
        except UnicodeDecodeError:
            raise InputError(
                f"bytes that are no {dialect.encoding}",
                file=path.name,
                row=number,
                fix="convert the file or correct the profile",
            ) from None
        if record:
            yield number, record
        else:
            number -= 1


def _cut_off(path: Path, number: int, log: ReadLog | None) -> None:
    if log is not None:
        message = "a quote opens here and is never closed: the rest of the file could not be read"
        log.cut_off(path.name, number, message, "close the quote, or copy the file again")


def ragged(table: str, file: str, number: int, cells: list[str], width: int) -> BadRow:
    """The record *number* of *file* as a row of *table* that cannot be used: it has not the *width* of the header."""
    if cells:
        message, rule = f"the row has {len(cells)} cells, the header {width}", "source.ragged-row"
    else:
        message, rule = "the row breaks the rules of quoting", "source.quoting"
    finding = Finding(
        rule,
        Severity.ERROR,
        message,
        Outcome.REJECTED,
        cell=Cell(file, number, None),
        fix="correct the row; is a delimiter inside an unquoted cell, or the file cut off?",
    )
    return BadRow(table, RawRow(number, cells[:width]), finding)
