"""Delimited text: several tables of one registry, brought together subject by subject in flat memory.

Encoding, delimiter and quoting are what the profile declares, and are checked against the file: nothing is guessed,
because a wrong guess changes values in silence. A bad cell costs the cell, a bad row the row. `.gz`, `.zst` and `.zip`
(one member) are read in place. Rows are numbered by line of the table as RFC 4180 counts records: the header is row 1.

A table whose rows are in the order of the subject's identifier is streamed; another one is sorted first, in runs on
disk inside the run's private work folder.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import hashlib
import heapq
import io
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, cast

import orjson
import zstandard

from harmonize.errors import InputError
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.profiles.assembly import BadRow, RawRow, RawSubject
from harmonize.profiles.specification import Assembly, Profile, TableAssembly
from harmonize.readers import ReadLog
from harmonize.terminology.patterns import compile_pattern, fits

RUN_ROWS = 200_000
"""Rows that are sorted in memory at a time."""
MAX_FIELD = 1_000_000
"""Characters of one cell. A larger one is a broken quote or an attack."""
MAX_RECORD = 4_000_000
"""Characters of one row, and of one line: a file without line breaks, or with quotes that run on, fills no memory."""
MAX_AGAIN = 1_000_000
"""Lines that are read a second time because a quote ran on: a file of nothing else would be read for ever."""
MAX_COLUMNS = 2_000
MAX_RATIO = 100
"""Decompressed bytes for one compressed byte, above the first 10 MB. Tables of patients have 10 to 30."""
SUFFIXES = (".gz", ".zst", ".zip")
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


@dataclass(frozen=True)
class _TableFile:
    spec: TableAssembly
    path: Path
    header: tuple[str, ...]
    subject_index: int
    in_order: bool


@dataclass
class DelimitedSource:
    """The opened tables of one registry."""

    assembly: Assembly
    tables: tuple[_TableFile, ...]
    work: Path
    log: ReadLog
    headers: dict[str, tuple[str, ...]]
    files: dict[str, str]
    digests: dict[str, str]
    rows: dict[str, int]

    def subjects(self) -> Iterator[RawSubject]:
        """The subjects in the order of their identifiers, each with its rows by table."""
        pattern = compile_pattern(self.assembly.subject_pattern) if self.assembly.subject_pattern else None
        streams = [self._keyed(table) for table in self.tables]
        merged = heapq.merge(*streams, key=itemgetter(0, 1))
        for key, entries in groupby(merged, key=itemgetter(0)):
            rows: dict[str, list[RawRow]] = {}
            for _, _, name, row in entries:
                rows.setdefault(name, []).append(row)
            if pattern is not None and not fits(pattern, key):
                self._reject_subject(rows)
                continue
            yield RawSubject(key, rows)

    def _keyed(self, table: _TableFile) -> Iterator[tuple[str, int, str, RawRow]]:
        order = next(i for i, t in enumerate(self.tables) if t is table)
        name, index = table.spec.name, table.subject_index
        rows = _good_rows(table, self.assembly, self.log)
        if not table.in_order:
            rows = _sorted_rows(rows, index, self.work / f"{name}.runs")
        for row in rows:
            key = row.cells[index].strip()
            if key and key not in self.assembly.blank:
                yield key, order, name, row
            else:
                self._reject_row(table, row, "source.no-subject-id", "the row names no subject", "fill the identifier")

    def _reject_row(self, table: _TableFile, row: RawRow, rule: str, message: str, fix: str) -> None:
        cell = Cell(table.path.name, row.number, self.assembly.subject)
        finding = Finding(rule, Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
        self.log.rejected.append(BadRow(table.spec.name, row, finding))

    def _reject_subject(self, rows: dict[str, list[RawRow]]) -> None:
        by_name = {table.spec.name: table for table in self.tables}
        self.log.rejected_subjects += 1
        for name, bad in rows.items():
            for row in bad:
                message = "the subject's identifier is not of the form that the profile states"
                self._reject_row(by_name[name], row, "source.subject-id", message, "correct the identifier")


def open_source(profile: Profile, inputs: Sequence[Path], work: Path) -> DelimitedSource:
    """Find the tables of *profile* among *inputs* (files, folders), check their headers and the order of their rows."""
    log = ReadLog()
    paths = _find_files(inputs)
    tables, digests, counts = [], {}, {}
    for spec in profile.assembly.tables:
        path = _match(spec, paths)
        if path is None:
            _say_absent(spec, paths, log)
            continue
        table, digest, count = _open_table(spec, path, profile, log)
        tables.append(table)
        digests[path.name], counts[spec.name] = digest, count
    if not tables:
        wanted = ", ".join(spec.file for spec in profile.assembly.tables)
        raise InputError(f"none of the tables of {profile.id} is there", fix=f"point at the folder that holds {wanted}")
    _say_unknown(profile, paths, tables, log)
    return DelimitedSource(
        assembly=profile.assembly,
        tables=tuple(tables),
        work=work,
        log=log,
        headers={t.spec.name: t.header for t in tables},
        files={t.spec.name: t.path.name for t in tables},
        digests=digests,
        rows=counts,
    )


# --- files ----------------------------------------------------------------------------------------------------------


def _find_files(inputs: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in inputs:
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        elif path.is_file():
            found.append(path)
        else:
            raise InputError("there is no such file or folder", file=str(path), fix="check the path")
    names: dict[str, Path] = {}
    for path in found:
        plain = _plain_name(path)
        if plain in names:
            raise InputError(f"the table {plain} is there twice", file=str(path), fix=f"remove it or {names[plain]}")
        names[plain] = path
    return found


def _plain_name(path: Path) -> str:
    return path.name.removesuffix(path.suffix) if path.suffix in SUFFIXES else path.name


def _match(spec: TableAssembly, paths: list[Path]) -> Path | None:
    return next((path for path in paths if _plain_name(path) == spec.file), None)


def _say_absent(spec: TableAssembly, paths: list[Path], log: ReadLog) -> None:
    close = difflib.get_close_matches(spec.file, [_plain_name(p) for p in paths], n=1)
    hint = f"is it {close[0]}?" if close and close[0] != spec.file else "export it if the registry holds it"
    severity = Severity.WARNING if spec.expected else Severity.INFO
    log.findings.append(
        Finding(
            "source.table-absent",
            severity,
            f"the table {spec.file} is not there",
            cell=Cell(spec.file, None, None),
            fix=hint,
        )
    )


def _say_unknown(profile: Profile, paths: list[Path], tables: list[_TableFile], log: ReadLog) -> None:
    used = {table.path for table in tables}
    known = [spec.file for spec in profile.assembly.tables]
    for path in paths:
        if path not in used:
            close = difflib.get_close_matches(_plain_name(path), known, n=1)
            fix = f"rename it to {close[0]} if it is that table" if close else f"known: {', '.join(known)}"
            message = f"{path.name} is no table of {profile.id} and was not read"
            log.findings.append(
                Finding("source.unknown-file", Severity.WARNING, message, cell=Cell(path.name, None, None), fix=fix)
            )


class _Watched(io.RawIOBase):
    """A stream of decompressed bytes that refuses bombs: too many bytes out for the bytes that went in."""

    def __init__(self, stream: IO[bytes], compressed: int, name: str) -> None:
        self.stream, self.allowed, self.name = stream, 10_000_000 + compressed * MAX_RATIO, name

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Close what is read from too."""
        if not self.closed:
            self.stream.close()
        super().close()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            data = self.stream.read(len(view))
        except (EOFError, OSError, zipfile.BadZipFile, zstandard.ZstdError, zlib.error):
            raise InputError(
                "the compressed file is damaged or cut off, or not compressed",
                file=self.name,
                fix="copy it again; a plain file has no .gz, .zst or .zip in its name",
            ) from None
        self.allowed -= len(data)
        if self.allowed < 0:
            raise InputError(
                "the file decompresses to far more than such data do", file=self.name, fix="decompress and check it"
            )
        view[: len(data)] = data
        return len(data)


def _open_bytes(path: Path) -> IO[bytes]:
    """The decompressed bytes of *path*. Raises InputError for what cannot be opened."""
    try:
        if path.suffix == ".gz":
            return io.BufferedReader(
                _Watched(cast(IO[bytes], gzip.open(path, "rb")), path.stat().st_size, path.name), 1 << 20
            )
        if path.suffix == ".zst":
            stream = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True)
            return io.BufferedReader(_Watched(stream, path.stat().st_size, path.name), 1 << 20)
        if path.suffix == ".zip":
            archive = zipfile.ZipFile(path)
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) != 1 or members[0].flag_bits & 1:
                raise InputError("a zip must hold one file that is not encrypted", file=path.name, fix="unpack it")
            if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise InputError("the zip is packed in an unusual way", file=path.name, fix="pack it with deflate")
            return io.BufferedReader(_Watched(archive.open(members[0]), path.stat().st_size, path.name), 1 << 20)
        return path.open("rb", buffering=1 << 20)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        raise InputError(
            "the file cannot be opened", file=path.name, fix="check that it is whole, readable and what its name says"
        ) from None


# --- tables ---------------------------------------------------------------------------------------------------------


def _records(path: Path, assembly: Assembly, log: ReadLog | None) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells) of *path*. A record that the csv grammar refuses is given as an empty list."""
    with _open_bytes(path) as stream:
        head = stream.peek(4)[:4] if hasattr(stream, "peek") else b""
        for bom, name in _BOMS.items():
            if head.startswith(bom):
                raise InputError(
                    f"the file is {name}, the profile declares {assembly.encoding}",
                    file=path.name,
                    fix=f"convert it to {assembly.encoding}",
                )
        utf8 = assembly.encoding == "utf-8"
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
            stream, encoding=assembly.encoding, errors="surrogateescape" if utf8 else "strict", newline=""
        )
        yield from _parse(text, path, assembly, log)


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
    text: io.TextIOWrapper, path: Path, assembly: Assembly, log: ReadLog | None
) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(MAX_FIELD)
    lines = _Lines(text, path.name)
    reader = csv.reader(lines, delimiter=assembly.delimiter, quotechar=assembly.quote, strict=True)
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
            reader = csv.reader(lines, delimiter=assembly.delimiter, quotechar=assembly.quote, strict=True)
            yield number, []
            continue
        except UnicodeDecodeError:
            raise InputError(
                f"bytes that are no {assembly.encoding}",
                file=path.name,
                row=number,
                fix="convert the file or correct the profile",
            ) from None
        if record:
            yield number, record
        else:
            number -= 1


def _cut_off(path: Path, number: int, log: ReadLog | None) -> None:
    if log is None:
        return
    log.partly = True
    message = "a quote opens here and is never closed: the rest of the file could not be read"
    log.findings.append(
        Finding(
            "source.cut-off",
            Severity.FATAL,
            message,
            Outcome.REJECTED,
            cell=Cell(path.name, number, None),
            fix="close the quote, or copy the file again",
        )
    )


def _open_table(spec: TableAssembly, path: Path, profile: Profile, log: ReadLog) -> tuple[_TableFile, str, int]:
    """Check header and order of one table: one quick pass over the file."""
    assembly = profile.assembly
    records = _records(path, assembly, log)
    header = _header(next(records, (1, []))[1], path, profile, spec, log)
    index = header.index(assembly.subject)
    in_order, last, count = True, "", 0
    for _, cells in records:
        count += 1
        key = cells[index].strip() if index < len(cells) else ""
        if key < last and key:
            in_order = False
        last = key or last
    return _TableFile(spec, path, header, index, in_order), _sha256(path), count


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _readable(name: str) -> str:
    """A column name that every format can hold: bytes that are not in the encoding show as U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _header(cells: list[str], path: Path, profile: Profile, spec: TableAssembly, log: ReadLog) -> tuple[str, ...]:
    assembly = profile.assembly
    header = tuple(_readable(cell.strip()) for cell in cells)
    if not any(header):
        raise InputError("the file is empty", file=path.name, fix="export it again or remove it")
    if len(header) > MAX_COLUMNS:
        raise InputError(f"more than {MAX_COLUMNS} columns", file=path.name, row=1, fix="check the delimiter")
    others = [d for d in ",;\t|" if d != assembly.delimiter and len(header) == 1 and d in header[0]]
    if others:
        name = {"\t": "tab"}.get(others[0], others[0])
        declared = {"\t": "tab"}.get(assembly.delimiter, assembly.delimiter)
        raise InputError(
            f"the profile declares the delimiter {declared!r}, the header is delimited by {name!r}",
            file=path.name,
            row=1,
            fix=f"export with {declared!r}, or set assemble.delimited.delimiter in a profile of your own",
        )
    doubles = [place for place, name in enumerate(header, start=1) if header.count(name) > 1]
    if doubles:
        # Places, not names: in a file without header the names are values of a patient.
        places = ", ".join(map(str, doubles[:10])) + (", ..." if len(doubles) > 10 else "")
        raise InputError(
            f"a column name is there twice (columns {places})",
            file=path.name,
            row=1,
            fix="give every column a name of its own",
        )
    if assembly.subject not in header:
        close = difflib.get_close_matches(assembly.subject, header, n=1)
        hint = f"rename {close[0]!r} to it" if close else "add it"
        raise InputError(f"the column {assembly.subject!r} is missing", file=path.name, row=1, fix=hint)
    known = {*profile.source.classes[spec.row_class], assembly.subject}
    for position, name in enumerate(header):
        if spec.slot_of(name) not in known:
            _say_unknown_column(name, position, known, path, log)
    return header


def _say_unknown_column(name: str, position: int, known: set[str], path: Path, log: ReadLog) -> None:
    close = difflib.get_close_matches(name, known, n=1)
    fix = (
        f"rename it to {close[0]!r} if it is that column"
        if close
        else "remove it, or add it to source.yaml and map.yaml"
    )
    message = f"column {position + 1} is not known to the profile; its values are not carried"
    log.findings.append(
        Finding(
            "source.unknown-column", Severity.WARNING, message, Outcome.DROPPED, cell=Cell(path.name, 1, name), fix=fix
        )
    )


def _good_rows(table: _TableFile, assembly: Assembly, log: ReadLog) -> Iterator[RawRow]:
    """The rows of *table* that have the shape of the header; bad cells are blanked, bad rows reported."""
    width = len(table.header)
    records = _records(table.path, assembly, None)
    next(records, None)
    for number, cells in records:
        if len(cells) != width:
            _ragged(table, number, cells, width, log)
            continue
        joined = "".join(cells)
        if "\0" in joined or not (joined.isascii() or _encodable(joined)):
            cells = _blank_bad_cells(table, number, cells, log)
        yield RawRow(number, cells)


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _ragged(table: _TableFile, number: int, cells: list[str], width: int, log: ReadLog) -> None:
    if cells:
        message, rule = f"the row has {len(cells)} cells, the header {width}", "source.ragged-row"
    else:
        message, rule = "the row breaks the rules of quoting", "source.quoting"
    finding = Finding(
        rule,
        Severity.ERROR,
        message,
        Outcome.REJECTED,
        cell=Cell(table.path.name, number, None),
        fix="correct the row; is a delimiter inside an unquoted cell, or the file cut off?",
    )
    log.rejected.append(BadRow(table.spec.name, RawRow(number, cells[:width]), finding))


def _blank_bad_cells(table: _TableFile, number: int, cells: list[str], log: ReadLog) -> list[str]:
    good = list(cells)
    for position, cell in enumerate(cells):
        if "\0" in cell:
            rule, message = "source.nul", "the cell holds a NUL character"
        elif not _encodable(cell):
            rule, message = "source.encoding", "the cell holds bytes that are no UTF-8"
        else:
            continue
        column = table.header[position]
        place = Cell(table.path.name, number, column)
        finding = Finding(
            rule,
            Severity.ERROR,
            message,
            Outcome.REJECTED,
            cell=place,
            fix="export the table in the encoding that the profile declares",
        )
        log.rejected_cells.append((f"{table.path.name}/{column}", finding))
        good[position] = ""
    return good


# --- order ----------------------------------------------------------------------------------------------------------


def _sorted_rows(rows: Iterator[RawRow], index: int, folder: Path) -> Iterator[RawRow]:
    """*rows* in the order of the subject's identifier, equal ones as they stand in the file, through runs on disk."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    runs: list[Path] = []
    buffer: list[RawRow] = []
    key: Callable[[RawRow], tuple[str, int]] = lambda row: (row.cells[index].strip(), row.number)  # noqa: E731
    for row in rows:
        buffer.append(row)
        if len(buffer) >= RUN_ROWS:
            runs.append(_write_run(sorted(buffer, key=key), folder / f"{len(runs):06}.ndjson"))
            buffer = []
    streams = [_read_run(path) for path in runs]
    yield from heapq.merge(*streams, sorted(buffer, key=key), key=key)
    for path in runs:
        path.unlink()


def _write_run(rows: list[RawRow], path: Path) -> Path:
    with path.open("wb") as file:
        file.writelines(orjson.dumps([row.number, list(row.cells)]) + b"\n" for row in rows)
    return path


def _read_run(path: Path) -> Iterator[RawRow]:
    with path.open("rb") as file:
        for line in file:
            number, cells = orjson.loads(line)
            yield RawRow(number, cells)
