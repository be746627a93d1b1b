"""Files of code systems, opened with bounds: plain, .gz, .xz, .zst, or the members of a folder or .zip, which is not unpacked to disk."""

from __future__ import annotations

import csv
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar
from xml.parsers import expat

import orjson
import zstandard

from harmonize.errors import InputError
from harmonize.zst_files import open_zst

T = TypeVar("T")
MAX_LINE = 1_000_000
"""Bytes of a line."""
MAX_BYTES = 20_000_000_000
"""Bytes of a file that is read line by line, decompressed."""
MAX_DOCUMENT = 600_000_000
"""Bytes of a JSON document, which is held in memory."""
MAX_MEMBERS = 10_000
_DAMAGED = (
    OSError,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    zstandard.ZstdError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True)
class Request:
    """What the user says about the file."""

    system: str = ""
    version: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Role -> column of delimited lists: code, label, parent, synonyms."""
    encoding: str = "utf-8"
    language: str = ""
    """Language of labels, or the id of what states it, where a release holds several."""


@dataclass
class Stated:
    """What the file says about itself; the importer fills it while it yields terms."""

    system: str = ""
    version: str = ""
    title: str = ""
    licence: str = ""
    complete: bool = True
    listed: bool = False
    """A mere list, of which nobody can say whether it holds all codes of its system."""
    curies: bool = False
    """The codes carry their prefix already."""
    folds: bool = False
    """A code that stands twice with the same words counts once, which is said."""
    sets: list[str] = field(default_factory=list)
    """Code maps that the release holds, as SSSOM TSV."""
    said: list[str] = field(default_factory=list)
    """What the user has to know, sentence by sentence."""


class Source:
    """One file of a code system; `line` is where it is being read."""

    def __init__(self, name: str, opener: Callable[[], IO[bytes]], encoding: str = "utf-8") -> None:
        self.name, self.line, self.encoding, self._open = name, 0, encoding, opener

    @property
    def base(self) -> str:
        """The name without folders."""
        return self.name.rpartition("/")[2]

    def error(self, what: str, *, fix: str = "") -> InputError:
        """An error at the line that is being read."""
        return InputError(what, file=self.name, row=self.line or None, fix=fix)

    def chunks(self, limit: int = MAX_BYTES, size: int = 1 << 20) -> Iterator[bytes]:
        """The content, decompressed. Raises InputError where it is larger than *limit*, or damaged."""
        total = 0
        with self._opened() as file:
            while chunk := self._read(lambda: file.read(size)):
                total += len(chunk)
                if total > limit:
                    raise self.error(f"larger than {limit:,} bytes")
                yield chunk

    def lines(self) -> Iterator[str]:
        """The lines with their ends, decoded strictly; a byte order mark is dropped."""
        self.line, total = 0, 0
        codec = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        with self._opened() as file:
            while True:
                try:
                    line = file.readline(MAX_LINE + 1)
                except _DAMAGED:
                    raise self._unreadable() from None
                if not line:
                    return
                self.line += 1
                total += len(line)
                if len(line) > MAX_LINE or total > MAX_BYTES:
                    raise self.error(f"a line of more than {MAX_LINE:,} bytes, or far too many lines")
                if b"\0" in line:
                    raise self.error("it holds NUL: this is no text in UTF-8")
                try:
                    yield line.decode(codec if self.line == 1 else self.encoding)
                except UnicodeDecodeError:
                    raise self.error(f"not {self.encoding}", fix="convert it to UTF-8, or give --encoding") from None

    def json(self) -> Any:
        """The JSON document."""
        data = b"".join(self.chunks(MAX_DOCUMENT))
        try:
            return orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError as error:
            self.line = error.lineno
            raise self.error(f"no JSON: {error.msg.partition(':')[0]}") from None

    def _opened(self) -> IO[bytes]:
        return self._read(self._open)

    def _read(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except _DAMAGED:
            raise self._unreadable() from None

    def _unreadable(self) -> InputError:
        return self.error("it cannot be read: damaged, encrypted, or not what its name says")


def open_sources(path: Path, encoding: str = "utf-8") -> list[Source]:
    """The files that *path* is: itself, or the files in a folder or .zip. Raises InputError for what is none of these."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
        found = [Source(p.relative_to(path).as_posix(), lambda p=p: p.open("rb"), encoding) for p in files]  # type: ignore[misc]
    elif not path.is_file():
        raise InputError("no such file", file=path.name)
    elif path.suffix == ".zip":
        found = _members(path, encoding)
    else:
        found = [Source(path.name, _opener(path), encoding)]
    if not found or len(found) > MAX_MEMBERS:
        raise InputError(f"{len(found)} files in it", file=path.name)
    return found


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    kinds: Mapping[str, Callable[[Path], Any]] = {".gz": gzip.open, ".xz": lzma.open, ".zst": open_zst}
    read: Callable[[Path], Any] = kinds.get(path.suffix, lambda plain: plain.open("rb"))
    return lambda: read(path)


def _members(path: Path, encoding: str) -> list[Source]:
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGED:
        raise InputError("no zip, or a damaged one", file=path.name) from None
    infos = sorted((i for i in archive.infolist() if not i.is_dir()), key=lambda i: i.filename)
    return [Source(info.filename, lambda info=info: archive.open(info), encoding) for info in infos]  # type: ignore[misc]


def the_only(sources: Sequence[Source], *suffixes: str) -> Source:
    """The only file among *sources* that is named with one of *suffixes*; a single file may have any name."""
    if len(sources) == 1:
        return sources[0]
    fitting = [source for source in sources if source.base.lower().endswith(suffixes)]
    if len(fitting) != 1:
        raise InputError(
            f"{len(fitting)} of its {len(sources)} files are named {' or '.join(suffixes)}",
            fix="give the one file to import",
        )
    return fitting[0]


def xml_parser(source: Source, *, namespaces: bool = False) -> expat.XMLParserType:
    """expat for an untrusted file: entities and DOCTYPEs with declarations are errors at their line, a DTD is not opened.

    With *namespaces*, names are the URI, a blank and the local name.
    """
    parser = expat.ParserCreate(None, " ") if namespaces else expat.ParserCreate()

    def refuse(what: str, fix: str) -> None:
        source.line = parser.CurrentLineNumber
        raise source.error(what, fix=fix)

    def doctype(name: str, system: str | None, public: str | None, internal: bool) -> None:
        if internal:
            refuse("a DOCTYPE with declarations of its own is refused", "remove what stands in [ ]")

    def entity(*_: object) -> int:
        refuse("entities are refused", "write out what they stand for")
        return 0

    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = entity
    parser.SkippedEntityHandler = entity
    parser.ExternalEntityRefHandler = entity
    return parser


def read_rows(source: Source, wanted: Sequence[str], *, separators: str = "\t;,") -> Iterator[dict[str, str]]:
    """The rows of a delimited file with a header that holds *wanted*; lines with # before the header are comments.

    The separator is the one that makes the header hold the wanted columns. Tables with tabs have no quotes.
    """
    lines = source.lines()
    first = next((line for line in lines if not line.startswith("#")), "")
    header, separator = _header(source, first, wanted, separators)
    if separator == "\t":
        rows: Iterator[list[str]] = (line.rstrip("\r\n").split("\t") for line in lines)
    else:
        rows = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            raise source.error("a quoted cell is not closed, or is too long") from None
        if row is None:
            return
        if len(row) != len(header):
            if row in ([], [""]):
                continue
            raise source.error(f"{len(row)} cells, the header has {len(header)}")
        yield dict(zip(header, row, strict=True))


def _header(source: Source, line: str, wanted: Sequence[str], separators: str) -> tuple[list[str], str]:
    for separator in separators:
        plain = line.rstrip("\r\n")
        cells = plain.split("\t") if separator == "\t" else next(csv.reader([plain], delimiter=separator), [])
        if set(wanted) <= set(cells):
            if len(set(cells)) < len(cells):
                raise source.error("a column stands twice in the header")
            return cells, separator
    raise source.error(
        f"the header does not hold the columns {', '.join(wanted)}", fix="name its columns with --column, as code=Kode"
    )
