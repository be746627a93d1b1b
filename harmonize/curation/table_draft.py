"""A draft of a profile from sample tables: every column has a slot, only the subject's identifier is mapped.

A profile is shared, a table of patients is not: names of columns and counts are written, a cell never. Values are written of columns
alone of which the caller says that they hold a public list of codes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harmonize.curation.delimited_draft import (
    MAX_NAME,
    DelimitedDraft,
    DraftedColumn,
    DraftedTable,
    require_subject_name,
    write_delimited_draft,
)
from harmonize.curation.draft_profile import check_new_profile
from harmonize.errors import CallError, InputError, UnknownNameError
from harmonize.input.cells import readable_name
from harmonize.input.csv_records import Dialect, csv_records
from harmonize.input.delimited_tables import require_usable_header
from harmonize.input.files import find_files, plain_name
from harmonize.input.log import ReadLog
from harmonize.input.workbook_tables import is_refused_spreadsheet, is_workbook

SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
"""What tables in a folder are called; a file that is named by itself may be called anything."""
DELIMITERS = {",": ",", ";": ";", "|": "|", "tab": "\t", "\t": "\t"}
"""Delimiter as callers write it -> the character."""
_MARKS = tuple(dict.fromkeys(DELIMITERS.values()))
ENCODINGS = ("utf-8", "iso-8859-1", "iso-8859-15", "windows-1252")
"""Those that a profile may declare."""
MAX_COUNTED = 1_000
"""Values of a column that are told apart: more are no list, and remembering all of them would fill the memory."""
MAX_VALUES = 200
MAX_VALUE = 100
"""Values of a list that is written into a profile, and characters of one."""
_FILE = re.compile(r"[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,199}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_NOTES = """What samples do not say is not guessed: types, dates, codes, which table holds one row a subject, which rows of two tables
belong together (`join`). No cell is written here but those of columns that were named with `--values`; counts are those of the samples."""


@dataclass
class _Column:
    """What the cells of a column say together."""

    filled: int = 0
    values: set[str] = field(default_factory=set)
    """The values that are told apart, one more than are counted at most; of a long one its beginning and its hash."""

    def add(self, cell: str) -> None:
        value = cell.strip()
        if value:
            self.filled += 1
            if len(self.values) <= MAX_COUNTED:
                is_long = len(value) > MAX_VALUE
                self.values.add(f"{value[:MAX_VALUE]}{hash(value)}" if is_long else value)


@dataclass(frozen=True)
class _Sample:
    """A table as it was read."""

    file: str
    columns: Mapping[str, _Column]
    rows: int
    ragged: int


def draft_from_tables(
    source: Path,
    profile_id: str,
    folder: Path,
    *,
    subject: str | None,
    values: Collection[str] = (),
    delimiter: str | None = None,
    encoding: str = "utf-8",
) -> list[Path]:
    """Write the draft of *profile_id* into *folder*; the files written. *source* is a table or a folder of tables.

    *subject* is the column of the subject's identifier, *values* names columns that hold a public list, whose values are written.
    The delimiter is what the headers are delimited by, where *delimiter* does not say. Raises CallError for a wrong call;
    UnknownNameError for a column that is not there; InputError for tables that cannot be read, or not told how.
    """
    check_new_profile(profile_id, folder)
    dialect = Dialect(_known("encoding", encoding, ENCODINGS))
    paths = _tables(source)
    dialect = dialect._replace(delimiter=_delimiter(paths, dialect, delimiter))
    headers = {path: _header(path, dialect) for path in paths}
    named = _with_subject(headers, subject, source)
    assert subject is not None
    require_subject_name(subject, plain_name(named[0]))
    samples = {path: _read(path, headers[path], dialect) for path in named}
    read = {path: sample for path, sample in samples.items() if sample.rows}
    if not read:
        raise InputError("no table has a row", file=source.name, fix="give a table with rows: a line may be no header")
    columns = {name for sample in read.values() for name in sample.columns}
    for name in values:
        if name not in columns - {subject}:
            raise UnknownNameError("column", name, columns - {subject})
    left_out = {_stem(p): f"It has no column {subject} of the subject's identifier." for p in paths if p not in samples}
    left_out |= {_stem(p): "The sample holds no row, so nothing is known of it." for p in samples if p not in read}
    draft = DelimitedDraft(
        profile_id,
        source.name,
        f"Tables of {source.name}",
        subject,
        [_drafted(sample, path, subject, frozenset(values)) for path, sample in read.items()],
        dialect,
        left_out,
        _NOTES,
    )
    return write_delimited_draft(draft, folder)


def is_table_name(path: Path) -> bool:
    """Whether a file in a folder is a table by its name.

    >>> is_table_name(Path("Sex.tsv.gz")), is_table_name(Path("README.md"))
    (True, False)
    """
    return plain_name(path).lower().endswith(SUFFIXES)


def _known(kind: str, name: str, known: Collection[str]) -> str:
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return name


def _stem(path: Path) -> str:
    name = plain_name(path)
    return name.rpartition(".")[0] or name


def _tables(source: Path) -> list[Path]:
    found = find_files([source])
    for path in found:
        if is_workbook(path) or is_refused_spreadsheet(path):
            raise InputError(
                "a draft is made of delimited text", file=path.name, fix="save each sheet as a CSV of its own"
            )
    paths = [path for path in found if is_table_name(path) or path == source]
    if not paths:
        raise InputError(
            "no table is there", file=source.name, fix=f"point at a folder with files {', '.join(SUFFIXES)}"
        )
    stems: dict[str, Path] = {}
    for path in paths:
        if _FILE.fullmatch(readable_name(plain_name(path))) is None or "\ufffd" in readable_name(path.name):
            raise InputError("no profile can name such a file", file=readable_name(path.name), fix="rename it")
        other = stems.setdefault(_stem(path).lower(), path)
        if other is not path:
            raise InputError(f"two tables have the name of {other.name}", file=path.name, fix="rename one of them")
    return paths


# --- how the tables are written -----------------------------------------------------------------------------------------


def _delimiter(paths: Sequence[Path], dialect: Dialect, stated: str | None) -> str:
    """The delimiter of all tables. Raises InputError where headers do not show one, the same in all."""
    if stated is not None:
        return DELIMITERS[_known("delimiter", stated, DELIMITERS)]
    found: dict[str, Path] = {}
    for path in paths:
        marks = [mark for mark in _MARKS if len(_first(path, dialect._replace(delimiter=mark))) > 1]
        if len(marks) > 1:
            told = " and by ".join("tab" if mark == "\t" else repr(mark) for mark in marks)
            raise InputError(
                f"the header may be delimited by {told}", file=path.name, row=1, fix="say which with --delimiter"
            )
        if marks:
            found.setdefault(marks[0], path)
    if len(found) > 1:
        files = " and ".join(path.name for path in list(found.values())[:2])
        raise InputError(
            f"{files} are delimited by different characters, a profile declares one",
            fix="export them alike, or draft from one of them",
        )
    return next(iter(found), ",")


def _first(path: Path, dialect: Dialect) -> list[str]:
    return next(csv_records(path, dialect, None), (1, []))[1]


def _header(path: Path, dialect: Dialect) -> tuple[str, ...]:
    cells = [cell.strip() for cell in _first(path, dialect)]
    _require_encoding(cells, path, 1)
    header = tuple(map(readable_name, cells))
    require_usable_header(header, path.name)
    for place, name in enumerate(header, start=1):
        if len(name) > MAX_NAME or _CONTROL.search(name):
            message = f"the name of column {place} has more than {MAX_NAME} characters, or control characters"
            raise InputError(message, file=path.name, row=1, fix="is the first line the header?")
    return header


def _require_encoding(cells: Sequence[str], path: Path, row: int) -> None:
    """A table of another encoding: its cells would be blanked one by one in every run."""
    joined = "".join(cells)
    if not joined.isascii() and any("\ud800" <= character <= "\udfff" for character in joined):
        raise InputError(
            "bytes that are no UTF-8",
            file=path.name,
            row=row,
            fix=f"say how it is written with --encoding: {', '.join(ENCODINGS[1:])}",
        )


def _with_subject(headers: Mapping[Path, tuple[str, ...]], subject: str | None, source: Path) -> list[Path]:
    """The tables that have the column *subject*."""
    if subject is None:
        raise CallError(
            f"{source.name} does not say which column identifies the subject{_candidates(headers)}. To mend it: --subject COLUMN"
        )
    named = [path for path, header in headers.items() if subject in header]
    if not named:
        raise UnknownNameError("column", subject, _tellable({name for header in headers.values() for name in header}))
    return named


def _candidates(headers: Mapping[Path, tuple[str, ...]]) -> str:
    """The columns that stand in every table or, where there is none, in most of them."""
    tables = Counter(name for header in headers.values() for name in header)
    most = max(tables.values())
    told = _tellable([name for name, number in tables.items() if number == most])[:20]
    if not told:
        return ""
    where = "every table has" if most == len(headers) else f"{most} of {len(headers)} tables have"
    return f"; {where} {', '.join(told)}"


def _tellable(names: Collection[str]) -> list[str]:
    """Names that are shown: in a file without header a name is a value of a patient, most of all where digits stand in it."""
    return [name for name in names if name and not any(character.isdigit() for character in name)]


# --- what they hold -----------------------------------------------------------------------------------------------------


def _read(path: Path, header: tuple[str, ...], dialect: Dialect) -> _Sample:
    """The table, read to its end. Raises InputError where that cannot be."""
    log, columns = ReadLog(), [_Column() for _ in header]
    rows = ragged = 0
    for number, cells in _rows(path, dialect, log):
        _require_encoding(cells, path, number)
        if len(cells) != len(header):
            ragged += 1
            continue
        rows += 1
        for column, cell in zip(columns, cells, strict=True):
            column.add(cell)
    if log.partly:
        raise InputError("the table cannot be read to its end", file=path.name, fix="copy or export it again")
    if ragged and not rows:
        raise InputError(
            "no row has as many cells as the header", file=path.name, fix="check the delimiter and the header"
        )
    return _Sample(plain_name(path), dict(zip(header, columns, strict=True)), rows, ragged)


def _rows(path: Path, dialect: Dialect, log: ReadLog) -> Iterator[tuple[int, list[str]]]:
    records = csv_records(path, dialect, log)
    next(records, None)  # the header
    return records


def _drafted(sample: _Sample, path: Path, subject: str, listed: frozenset[str]) -> DraftedTable:
    said = f"The table {readable_name(sample.file)}: {sample.rows:,} rows in the sample"
    if sample.ragged:
        said += f", beside {sample.ragged:,} that have not as many cells as the header"
    columns = [
        DraftedColumn(name, _said(column, sample.rows), _values(name, column, sample.file) if name in listed else None)
        for name, column in sample.columns.items()
        if name != subject
    ]
    return DraftedTable(_stem(path), sample.file, f"{said}.", columns)


def _said(column: _Column, rows: int) -> str:
    number = len(column.values)
    distinct = f"more than {MAX_COUNTED:,}" if number > MAX_COUNTED else f"{number:,}"
    return f"Filled in {column.filled:,} of {rows:,} rows, {distinct} distinct values."


def _values(name: str, column: _Column, file: str) -> Mapping[str, str]:
    """The values of a column that holds a list. Raises InputError where it holds none."""
    if len(column.values) > MAX_VALUES or any(len(value) > MAX_VALUE for value in column.values):
        raise InputError(
            f"the column {name!r} holds no list: more than {MAX_VALUES} values, or one of more than {MAX_VALUE} characters",
            file=file,
            fix="leave it out of --values",
        )
    return dict.fromkeys(sorted(column.values), "Stands in the sample.")
