"""The only place that creates output files: written aside, flushed, renamed; the manifest last.

A file under its final name is whole. A folder without `manifest.json` holds a run that did not end.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson

from harmonize.errors import CallError, HarmonizeError

MANIFEST = "manifest.json"
PRIVATE = "private"
_BUFFER = 1 << 20
REPORTS = frozenset({"report.md"})
"""What `harmonize report build` puts beside a run; it goes with the run that it is about."""
_LOCK = ".harmonize-lock"
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS


class OutputError(HarmonizeError):
    """A file could not be written: disk full, no permission. Exit code 4; nothing under a final name is half done."""


class OutputFolder:
    """A run's folder: open it, append lines to named files, finish it with the manifest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._digests: dict[str, Any] = {}
        self._lines: dict[str, int] = {}
        self._lock: IO[bytes] | None = None
        self._was_there = True
        self._started = False
        """Whether an earlier run was cleared away, which the first line that is written does."""

    def __enter__(self) -> OutputFolder:
        if self.folder.is_file():
            raise CallError(f"cannot write into {self.folder}: it is a file. To mend it: give --out a folder")
        try:
            self._was_there = self.folder.is_dir()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._refuse_foreign_files()
            shutil.rmtree(self.work_folder, ignore_errors=True)
            self._make_private_folders()
        except OSError as error:
            self._release_lock()
            raise CallError(
                f"cannot write into {self.folder}: {error.strerror}. To mend it: choose another --out"
            ) from None
        except CallError:
            self._release_lock()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            with contextlib.suppress(OSError):  # a full disk says so again; what is not renamed is removed
                file.close()
        if self._started:
            for part in self.folder.rglob("*.part"):
                part.unlink(missing_ok=True)
        shutil.rmtree(self.work_folder, ignore_errors=True)
        self._release_lock()
        if not self._started:
            self._remove_empty_folders()

    def _remove_empty_folders(self) -> None:
        """A call that was refused leaves nothing of its own; what an earlier run wrote stays."""
        with contextlib.suppress(OSError):
            (self.folder / PRIVATE).rmdir()
            if not self._was_there:
                self.folder.rmdir()

    def _release_lock(self) -> None:
        if self._lock is not None:
            (self.folder / _LOCK).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _make_private_folders(self) -> None:
        private = self.folder / PRIVATE
        private.mkdir(mode=0o700, exist_ok=True)
        private.chmod(0o700)
        self.work_folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def work_folder(self) -> Path:
        """A private folder for what must be sorted; it is gone when the run ends."""
        return self.folder / PRIVATE / "work"

    def part(self, name: str) -> Path:
        """The path of the file *name* while it is being written."""
        return self.folder / f"{name}.part"

    def flush(self) -> None:
        """Hand all buffered bytes to the operating system, so that `.part` files can be read."""
        for file in self._files.values():
            file.flush()

    def write(self, name: str, data: bytes) -> None:
        """Append *data* (whole lines) to the file *name*, a path below the folder."""
        file = self._files.get(name)
        try:
            if file is None:
                file = self._open(name)
            file.write(data)
        except OSError as error:
            raise OutputError(
                f"cannot write {name}: {error.strerror}. To mend it: free space or choose another --out"
            ) from None
        self._digests[name].update(data)
        self._lines[name] += data.count(b"\n")

    def finish(self, manifest: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]]) -> None:
        """Rename everything to its final name, then write *documents* (single JSON files) and the manifest."""
        for name, document in documents.items():
            self.write(name, orjson.dumps(document, option=_OPTIONS) + b"\n")
        files = {
            name: {"sha256": d.hexdigest(), "lines": self._lines[name]} for name, d in sorted(self._digests.items())
        }
        try:
            for name, file in self._files.items():
                file.flush()
                os.fsync(file.fileno())
                file.close()
                self.part(name).replace(self.folder / name)
            self._files = {}
            _write_whole(self.folder / MANIFEST, orjson.dumps({**manifest, "files": files}, option=_OPTIONS) + b"\n")
        except OSError as error:
            raise OutputError(
                f"cannot finish the run: {error.strerror}. To mend it: free space and run again"
            ) from None

    def _open(self, name: str) -> IO[bytes]:
        if not self._started:
            self._clear_earlier_run()
        path = self.part(name)
        private = name.startswith(f"{PRIVATE}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644)
        file = self._files[name] = os.fdopen(descriptor, "wb", buffering=_BUFFER)
        self._digests[name] = hashlib.sha256()
        self._lines[name] = 0
        return file

    def _take_lock(self) -> None:
        """One run at a time. The lock of a run that was killed is gone with its process."""
        path = self.folder / _LOCK
        self._lock = path.open("wb")
        try:
            import fcntl

            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # no advisory locks on this system
            return
        except OSError:
            self._lock.close()
            self._lock = None
            raise CallError(
                f"another run writes into {self.folder}. To mend it: wait for it, or choose another --out"
            ) from None

    def _refuse_foreign_files(self) -> None:
        """Raise CallError where other things lie in the folder than what an earlier run left."""
        foreign = sorted(set(self._files_there()) - set(self._left_by_earlier_run()))
        if foreign:
            first = foreign[0].relative_to(self.folder)
            raise CallError(
                f"{self.folder} holds files that no run of harmonize wrote ({first}). To mend it: choose an empty folder"
            )

    def _clear_earlier_run(self) -> None:
        """Remove what an earlier run left, and only that: as late as can be, so that a call that is refused removes nothing."""
        for path in self._left_by_earlier_run():
            path.unlink()
        for sub_folder in sorted((path for path in self.folder.rglob("*") if path.is_dir()), reverse=True):
            if sub_folder != self.work_folder and not any(sub_folder.iterdir()):
                sub_folder.rmdir()
        self._started = True

    def _files_there(self) -> list[Path]:
        found = (path for path in self.folder.rglob("*") if path.is_file() and path.name != _LOCK)
        return [path for path in found if not path.is_relative_to(self.work_folder)]

    def _left_by_earlier_run(self) -> list[Path]:
        earlier = self._files_of_earlier_run()
        there = self._files_there()
        return [path for path in there if str(path.relative_to(self.folder)) in earlier or path.suffix == ".part"]

    def _files_of_earlier_run(self) -> set[str]:
        manifest = self.folder / MANIFEST
        if not manifest.is_file():
            return set()
        try:
            return {MANIFEST, *orjson.loads(manifest.read_bytes())["files"], *REPORTS}
        except (orjson.JSONDecodeError, TypeError, KeyError):
            raise CallError(f"{manifest} is not ours. To mend it: choose an empty folder for --out") from None


def _write_whole(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished run. Raises CallError where there is none."""
    path = folder / MANIFEST
    if not path.is_file():
        raise CallError(
            f"{folder} holds no manifest.json: the run did not end, or it is no run. To mend it: give the --out folder of a "
            "run that ended, or convert again"
        )
    try:
        manifest = orjson.loads(path.read_bytes())
        ours = isinstance(manifest, dict) and {"status", "files"} <= set(manifest)
    except (orjson.JSONDecodeError, OSError):
        ours = False
    if not ours:
        raise CallError(f"{path} is no manifest of harmonize. To mend it: give the folder of a finished run")
    return dict(manifest)
