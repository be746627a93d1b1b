"""Files and folders that are whole under their final name: written aside, flushed, renamed."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """A stream whose content becomes the file *path* where the block ends well; else *path* stays as it was. Raises OSError."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)  # one that a killed process left may be readable by others
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with ExitStack() as undo:
        undo.callback(part.unlink, missing_ok=True)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        undo.pop_all()


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write *data* as the file *path*. Raises OSError; then *path* is as it was."""
    with whole_file(path, mode) as file:
        file.write(data)


class PartlyWrittenError(OSError):
    """Some of several files have their new content, and the others are as they were."""

    def __init__(self, written: Sequence[Path], left: Sequence[Path], reason: str) -> None:
        self.written, self.left, self.reason = tuple(written), tuple(left), reason
        super().__init__(reason)


def write_all_whole(files: Mapping[Path, bytes]) -> None:
    """Write several files: all are whole and flushed beside their places before the first one is renamed.

    Raises OSError where none of them was changed, and PartlyWrittenError where renaming failed after the first one.
    """
    parts = {path: path.with_name(path.name + ".part") for path in files}
    try:
        for path, data in files.items():
            write_whole(parts[path], data)
        done: list[Path] = []
        for path, part in parts.items():
            try:
                part.replace(path)
            except OSError as error:
                if not done:
                    raise
                left = [one for one in files if one not in done]
                raise PartlyWrittenError(done, left, error.strerror or "") from None
            done.append(path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def is_taken(folder: Path) -> bool:
    """Whether a new folder cannot be called *folder*: something is there, and it is no empty folder.

    >>> is_taken(Path(__file__)), is_taken(Path("nowhere"))
    (True, False)
    """
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to be filled, whose content stands in *folder* where the block ends well; else *folder* stays as it was.

    A new folder gets its name at once. One that is there, and empty, may be a mounted volume: what was filled is moved into it.
    Raises OSError, FileExistsError among them where *folder* `is_taken`.
    """
    if is_taken(folder):
        raise FileExistsError(errno.EEXIST, "it is there and is no empty folder")
    is_there = folder.exists()
    place = folder if is_there else folder.parent
    place.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=place))
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, aside, ignore_errors=True)
        yield aside
        for path in aside.rglob("*"):
            if path.is_file():
                _flush(path)
        if is_there:
            for path in sorted(aside.iterdir()):
                path.rename(folder / path.name)
            aside.rmdir()
        else:
            aside.chmod(0o777 & ~_umask())  # mkdtemp's is for its owner alone
            aside.rename(folder)
        undo.pop_all()


def _umask() -> int:
    """The mask of this process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
