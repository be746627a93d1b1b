"""Files and folders of input: found, opened, decompressed in place, digested. Archives that swell are refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import IO, NamedTuple, cast

import zstandard

from harmonize.errors import InputError
from harmonize.input.cells import readable_name
from harmonize.zst_files import open_zst

MAX_RATIO = 100
"""Decompressed bytes for one compressed byte, above `FREE_BYTES`. Tables of patients have 10 to 30."""
FREE_BYTES = 4_000_000
"""Decompressed bytes that any compressed file may have: little enough to be read in a second."""
SUFFIXES = (".gz", ".zst", ".zip")


def find_files(inputs: Sequence[Path]) -> list[Path]:
    """The files of *inputs* (files and folders). Raises InputError where one is missing or two are the same table."""
    found: list[Path] = []
    for path in inputs:
        try:
            if path.is_dir():
                found += sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
                continue
            is_file = path.is_file()
        except OSError as error:
            raise InputError(
                f"it cannot be read: {error.strerror}", file=str(path), fix="check path and rights"
            ) from None
        if not is_file:
            raise InputError("there is no such file or folder", file=str(path), fix="check the path")
        found.append(path)
    names: dict[str, Path] = {}
    for path in found:
        plain = plain_name(path)
        if plain in names:
            raise InputError(f"the table {plain} is there twice", file=str(path), fix=f"remove it or {names[plain]}")
        names[plain] = path
    return found


def require_text_name(path: Path) -> None:
    """Raises InputError where the name of *path* is no text: findings, lineage and manifest could not name the file."""
    shown = readable_name(path.name)
    if shown != path.name:
        raise InputError("its name holds bytes that are no text", file=shown, fix="rename it")


def folders_passed_over(inputs: Sequence[Path], work: Path) -> list[Path]:
    """The folders inside those of *inputs* that are not read, so that it must be said; without that in which *work* is, our own."""
    known = {*work.resolve().parents, *(path.resolve() for path in inputs)}
    inside = (path for folder in inputs if folder.is_dir() for path in folder.iterdir())
    return sorted(p for p in inside if p.is_dir() and not p.name.startswith(".") and p.resolve() not in known)


def plain_name(path: Path) -> str:
    """The name of *path* without the suffix of its compression.

    >>> plain_name(Path("Sex.csv.gz"))
    'Sex.csv'
    """
    return path.name.removesuffix(path.suffix) if path.suffix in SUFFIXES else path.name


class _Watched(io.RawIOBase):
    """A stream of decompressed bytes that refuses bombs: too many bytes out for the bytes that went in."""

    def __init__(self, stream: IO[bytes], compressed: int, name: str) -> None:
        self.stream, self.allowed, self.name = stream, FREE_BYTES + compressed * MAX_RATIO, name

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
            raise _bomb(self.name)
        view[: len(data)] = data
        return len(data)


def _bomb(name: str) -> InputError:
    return InputError("the file decompresses to far more than such data do", file=name, fix="decompress and check it")


def open_bytes(path: Path) -> IO[bytes]:
    """The decompressed bytes of *path*. Raises InputError for what cannot be opened."""
    try:
        if path.suffix == ".gz":
            return io.BufferedReader(
                _Watched(cast(IO[bytes], gzip.open(path, "rb")), path.stat().st_size, path.name), 1 << 20
            )
        if path.suffix == ".zst":
            return io.BufferedReader(_Watched(open_zst(path), path.stat().st_size, path.name), 1 << 20)
        if path.suffix == ".zip":
            archive = zipfile.ZipFile(path)
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) != 1 or members[0].flag_bits & 1:
                raise InputError("a zip must hold one file that is not encrypted", file=path.name, fix="unpack it")
            if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise InputError("the zip is packed in an unusual way", file=path.name, fix="pack it with deflate")
            if members[0].file_size > FREE_BYTES + path.stat().st_size * MAX_RATIO:
                raise _bomb(path.name)  # what a zip says of its size may be a lie, so what comes out is counted too
            return io.BufferedReader(_Watched(archive.open(members[0]), path.stat().st_size, path.name), 1 << 20)
        return path.open("rb", buffering=1 << 20)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        raise InputError(
            "the file cannot be opened", file=path.name, fix="check that it is whole, readable and what its name says"
        ) from None


_PIECE = 1 << 18
"""Bytes that a digest takes at a time."""


def sha256(path: Path, given_up: Callable[[], bool] = lambda: False) -> str:
    """The digest of the bytes of *path*, as they lie on disk. Raises CancelledError once nobody waits for it any more (*given_up*)."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_PIECE):
            if given_up():
                raise CancelledError
            digest.update(data)
    return digest.hexdigest()


SAMPLES, SAMPLE_BYTES = 24, 16_384
"""Places of a file that are looked at before it is read, and bytes at each."""
FIRST_SAMPLE_BYTES = 131_072


def samples(path: Path) -> list[bytes]:
    """Pieces of *path* in the order of the file, each from the start of a line: its beginning and, where it is not compressed, others.

    The last line of a piece may be cut. Lines are what ends in a line break: a cell that holds one gives two that are no rows.
    """
    with open_bytes(path) as stream:
        found = [stream.read(FIRST_SAMPLE_BYTES)]
        if path.suffix in SUFFIXES:
            return found
        size, behind = path.stat().st_size, FIRST_SAMPLE_BYTES
        for place in range(1, SAMPLES + 1):
            start = size * place // SAMPLES - SAMPLE_BYTES
            if start >= behind:
                stream.seek(start)
                found.append(stream.read(SAMPLE_BYTES).partition(b"\n")[2])
                behind = start + SAMPLE_BYTES
    return found


class Fingerprint(NamedTuple):
    """What shows that a file is another one than it was: its size and the time of its last change."""

    size: int
    modified: int


def fingerprint(path: Path) -> Fingerprint:
    """The fingerprint of *path* now."""
    stat = path.stat()
    return Fingerprint(stat.st_size, stat.st_mtime_ns)
