"""Delimited text as records of cells. Encoding, delimiter and quoting are stated by the profile and never guessed."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from harmonize.errors import InputError
from harmonize.extensions import extension
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.files import open_bytes
from harmonize.input.log import ReadLog
from harmonize.profiles.assembly import BadRow
from harmonize.profiles.source_record import RawRow

MAX_FIELD = 1_000_000
"""Characters of one cell. A larger one is a broken quote or an attack."""
MAX_RECORD = 4_000_000
"""Characters of one row, and of one line: a file without line breaks, or with quotes that run on, fills no memory."""
PIECE = 1 << 16
"""Bytes that are read at a time: what a processor keeps near while it parses them."""
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


class Unquoted(NamedTuple):
    """Lines in which no cell is quoted, all equally wide: columns can be cut out without making rows first."""

    text: str
    delimiter: str
    width: int
    height: int
    """The number of lines; empty ones are none."""

    def lines(self) -> list[str]:
        """The rows as they were written."""
        return [line for line in self.text.split("\n") if line]

    def cells(self, lines: list[str]) -> list[str]:
        """The cells of all of the *lines* behind one another."""
        return self.delimiter.join(lines).split(self.delimiter)


class Block(NamedTuple):
    """Rows that follow one another, the first with its number: `found`, or what is `unquoted`.

    `clean`: no cell holds NUL or bytes outside of the encoding.
    """

    first: int
    clean: bool
    found: list[list[str]]
    unquoted: Unquoted | None = None

    @property
    def records(self) -> list[list[str]]:
        """The rows, each as its cells."""
        if self.unquoted is None:
            return self.found
        width, cells = self.unquoted.width, self.unquoted.cells(self.unquoted.lines())
        return [cells[place : place + width] for place in range(0, len(cells), width)]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.found) if self.unquoted is None else self.unquoted.height


def csv_records(path: Path, dialect: Dialect, log: ReadLog | None) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells) of *path*. A record that the csv grammar refuses is given as an empty list."""
    for block in csv_blocks(path, dialect, log):
        yield from enumerate(block.records, start=block.first)


def csv_blocks(path: Path, dialect: Dialect, log: ReadLog | None) -> Iterator[Block]:
    """The records of *path* in blocks, as fast as the csv module reads where nothing is wrong with the file.

    A piece of the file in which every line is a record is parsed as one. Another one is parsed record by record, so that
    an error costs the line that it is in and no other.
    """
    csv.field_size_limit(MAX_FIELD)
    with open_bytes(path) as stream:
        _skip_byte_order_mark(stream, path, dialect, log)
        pieces = _Pieces(stream, path.name, dialect.encoding, log)
        number = 1
        while (text := pieces.next()) is not None:
            block = _regular(text, number, dialect)
            if block is not None:
                yield block
                number += len(block)
                pieces.rows = number
                continue
            for record in _one_by_one(pieces, text, number, path, dialect, log):
                yield Block(number, False, [record])
                number += 1
                pieces.rows = number


def _skip_byte_order_mark(stream: IO[bytes], path: Path, dialect: Dialect, log: ReadLog | None) -> None:
    head = stream.peek(4)[:4] if hasattr(stream, "peek") else b""
    for bom, name in _BOMS.items():
        if head.startswith(bom):
            raise InputError(
                f"the file is {name}, the profile declares {dialect.encoding}",
                file=path.name,
                fix=f"convert it to {dialect.encoding}",
            )
    if dialect.encoding == "utf-8" and head.startswith(b"\xef\xbb\xbf"):
        stream.read(3)
        if log is not None:
            finding = Finding(
                "source.byte-order-mark",
                Severity.INFO,
                "the file starts with a byte order mark, which was skipped",
                cell=Cell(path.name, 1, None),
            )
            log.findings.append(finding)


class _Pieces:
    """A file as pieces of whole lines, decoded. All encodings that a profile may declare write line breaks as ASCII does."""

    def __init__(self, stream: IO[bytes], name: str, encoding: str, log: ReadLog | None) -> None:
        self._stream, self._name, self._encoding, self._log = stream, name, encoding, log
        self._errors = "surrogateescape" if encoding == "utf-8" else "strict"
        self._rest = b""
        self._ended = False
        self.rows = 1
        """The number of the next row."""

    def next(self) -> str | None:
        """The next piece, ended by a line break or the end of the file; None at the end."""
        rest = [self._rest]
        size = len(self._rest)
        while not self._ended:
            data = self._stream.read(PIECE)
            self._ended = len(data) < PIECE
            if self._log is not None:
                self._log.bytes_read += len(data)
            end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, max(len(data) - 1, 0))) + 1
            if end and not self._ended:
                rest.append(data[:end])
                self._rest = data[end:]
                return self._decoded(b"".join(rest))
            rest.append(data)
            size += len(data)
            if size >= MAX_RECORD and not end:
                raise line_too_long(self._name)
        self._rest = b""
        return self._decoded(whole) if (whole := b"".join(rest)) else None

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode(self._encoding, self._errors)
        except UnicodeDecodeError as error:
            raise InputError(
                f"bytes that are no {self._encoding}",
                file=self._name,
                row=self.rows + data.count(b"\n", 0, error.start),
                fix="convert the file or correct the profile",
            ) from None


def line_too_long(name: str) -> InputError:
    """The error of a file that has no line breaks where a table has them."""
    message = f"a line has more than {MAX_RECORD:,} characters"
    return InputError(message, file=name, fix="check that it is a table with line breaks")


def _regular(text: str, number: int, dialect: Dialect) -> Block | None:
    """The records of *text* where every line is one; else None. Empty lines are none."""
    if not dialect.strict and dialect.quote in text:
        return None  # a quote that is still open at the end would pass for a closed one
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
    clean = _is_clean(text)
    if dialect.quote not in text:
        return _unquoted(text, number, dialect.delimiter, clean=clean)
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    try:
        records = list(csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=dialect.strict))
    except csv.Error:
        return None
    if len(records) != len(lines):  # a record of several lines
        return None
    return Block(number, clean, records if all(records) else [record for record in records if record])


def _unquoted(text: str, number: int, delimiter: str, *, clean: bool) -> Block | None:
    """The block of lines without a quote. Where all are equally wide they are cut as one, which is faster."""
    cutting = extension("harmonize.input.row_cutting")
    shape = cutting.shape(text, delimiter, MAX_FIELD) if cutting is not None else None
    if shape is not None and shape[0]:
        height, width = shape
        return Block(number, clean, [], Unquoted(text, delimiter, width, height))
    lines = [line for line in text.split("\n") if line]
    if max(map(len, lines), default=0) > MAX_FIELD:
        return None
    between = {line.count(delimiter) for line in lines}
    if len(between) != 1:
        return Block(number, clean, list(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)))
    return Block(number, clean, [], Unquoted(text, delimiter, between.pop() + 1, len(lines)))


def _is_clean(text: str) -> bool:
    """Whether no cell of *text* holds a NUL character or bytes that are not in the encoding."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class _Lines:
    """The lines of a piece and, while a record goes on, of the pieces behind it; the last ones can be given back.

    No row is longer than MAX_RECORD.
    """

    def __init__(self, pieces: _Pieces, text: str, name: str) -> None:
        self._pieces, self._name = pieces, name
        self._text = io.StringIO(text, newline="")
        self._back: deque[str] = deque()
        self._size = self._again = 0
        self.taken: list[str] = []

    def start(self) -> bool:
        """A row begins. False where the piece is read to its end."""
        self.taken.clear()
        self._size = 0
        if not self._back and (line := self._text.readline()):
            self._back.append(line)
        return bool(self._back)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._text.readline()
        if not line:
            text = self._pieces.next()
            if text is None:
                raise StopIteration
            self._text = io.StringIO(text, newline="")
            line = self._text.readline()
        self.taken.append(line)
        self._size += len(line)
        if self._size >= MAX_RECORD:
            if len(line) >= MAX_RECORD:
                raise line_too_long(self._name)
            raise csv.Error("the row is too long")
        return line

    def give_back(self, lines: list[str]) -> None:
        """Let *lines* come again, before those that are not read yet."""
        self._again += len(lines)
        if self._again > MAX_AGAIN:
            raise InputError(
                "quotes open and do not close all over the file", file=self._name, fix="export it with quotes doubled"
            )
        self._back.extendleft(reversed(lines))


def _one_by_one(
    pieces: _Pieces, text: str, number: int, path: Path, dialect: Dialect, log: ReadLog | None
) -> Iterator[list[str]]:
    """The records of *text*, of which the last one may go on behind it; an empty list for one that the grammar refuses."""
    lines = _Lines(pieces, text, path.name)
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=dialect.strict)
    while lines.start():
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
            yield []
            number += 1
            continue
        if record:
            yield record
            number += 1


def _cut_off(path: Path, number: int, log: ReadLog | None) -> None:
    if log is not None:
        message = "a quote opens here and is never closed: the rest of the file could not be read"
        log.cut_off(path.name, number, message, "close the quote, or copy the file again")


def ragged(table: str, file: str, number: int, cells: Sequence[str], width: int) -> BadRow:
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
