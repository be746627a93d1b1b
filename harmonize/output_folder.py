"""The only place that creates output files: written aside, flushed, renamed; the manifest last.

A file under its final name is whole. A folder without `manifest.json` holds a run that did not end; where that run left a
checkpoint, another one can go on from it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson

from harmonize.errors import CallError, HarmonizeError
from harmonize.whole_files import write_whole

MANIFEST = "manifest.json"
PRIVATE = "private"
CHECKPOINT = f"{PRIVATE}/checkpoint.json"
_BUFFER = 1 << 20
REPORTS = frozenset(
    {
        "report.html",
        "report.md",
        "junit.xml",
        "results.sarif",
        "dqv.ttl",
        "earl.ttl",
        "prov.ttl",
        "harmonize_mqc.json",
        "harmonize_checks_mqc.json",
        "harmonize_items_mqc.json",
        "checks.csv",
        "items.csv",
        f"{PRIVATE}/operationoutcome.ndjson",
    }
)
"""What `harmonize report build` puts beside a run; it goes with the run that it is about."""
_LOCK = ".harmonize-lock"
_PART = re.compile(r"(?:[a-z0-9.-]+/)?[A-Za-z_-]+[.](?:nd)?json(?:[.][0-9]{4,})?[.]part")
"""The name below the folder of a file that a run is writing."""
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
OutputKey = tuple[str, int | None]
"""The name of a file below the folder, and the number of the shard where the file may come in several."""


class OutputError(HarmonizeError):
    """A file could not be written: disk full, no permission. Exit code 4; nothing under a final name is half done."""


@dataclass
class _Output:
    """A file under way: its handle while it is open, and what was written."""

    path: Path
    file: IO[bytes] | None
    digest: Any = field(default_factory=hashlib.sha256)
    size: int = 0
    lines: int = 0


class OutputFolder:
    """A run's folder: open it, append lines to named files, finish it with the manifest.

    What an interrupted run left is kept until the first line is written, so that `restore` can go on from it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._outputs: dict[OutputKey, _Output] = {}
        self._lock: IO[bytes] | None = None
        self._was_there = True
        self._started = False
        """Whether an earlier run was cleared away, which the first line that is written does."""
        self._saved: bytes | None = None
        """The last checkpoint, as it was written: *state* goes on changing. With one, what is written stays when the run stops."""

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
        self._close()
        if self._started and not (self._saved and _can_go_on(error)):
            (self.folder / CHECKPOINT).unlink(missing_ok=True)
            for part in self._begun():
                part.unlink(missing_ok=True)
        shutil.rmtree(self.work_folder, ignore_errors=True)
        self._release_lock()
        if not self._started:
            self._remove_empty_folders()

    def _close(self) -> None:
        for output in self._outputs.values():
            if output.file is not None:
                with contextlib.suppress(OSError):  # a full disk says so again; what is not renamed is no output
                    output.file.close()

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

    def parts(self, name: str) -> list[Path]:
        """The files that *name* is being written to, by shard, with all their bytes handed to the operating system."""
        found = sorted((shard or 0, output) for (known, shard), output in self._outputs.items() if known == name)
        try:
            for _, output in found:
                if output.file is not None:
                    output.file.flush()
        except OSError as error:
            raise OutputError(
                f"cannot write {name}: {error.strerror}. To mend it: free space or choose another --out"
            ) from None
        return [output.path for _, output in found]

    def lines(self) -> dict[str, int]:
        """File below the folder -> how many lines were written, all its shards together."""
        total: dict[str, int] = {}
        for (name, _), output in self._outputs.items():
            total[name] = total.get(name, 0) + output.lines
        return total

    def write(self, name: str, data: bytes, shard: int | None = None, lines: int | None = None) -> None:
        """Append *data* (whole lines) to the file *name*, a path below the folder, or to its shard; *lines*: how many, if known."""
        output = self._outputs.get((name, shard))
        try:
            if output is None or output.file is None:
                output = self._open(name, shard)
            assert output.file is not None
            output.file.write(data)
        except OSError as error:
            raise OutputError(
                f"cannot write {name}: {error.strerror}. To mend it: free space or choose another --out"
            ) from None
        output.digest.update(data)
        output.size += len(data)
        output.lines += data.count(b"\n") if lines is None else lines

    # --- checkpoints ------------------------------------------------------------------------------------------------

    def save(self, state: Mapping[str, Any]) -> None:
        """Bring everything that was written to the disk, then save a checkpoint with *state* and the lengths of all files."""
        files = []
        try:
            for (name, shard), output in sorted(self._outputs.items(), key=lambda item: (item[0][0], item[0][1] or 0)):
                if output.file is not None:
                    output.file.flush()
                    os.fsync(output.file.fileno())
                files.append([name, shard, output.size, output.lines, output.digest.hexdigest()])
            self._clear_at_start()
            self._saved = orjson.dumps({**state, "files": files, "renamed": []})
            write_whole(self.folder / CHECKPOINT, self._saved, mode=0o600)
        except OSError as error:
            raise OutputError(
                f"cannot write a checkpoint: {error.strerror}. To mend it: free space or choose another --out"
            ) from None

    def checkpoint(self) -> dict[str, Any] | None:
        """What `save` wrote in an interrupted run, or None where there is nothing to go on from."""
        path = self.folder / CHECKPOINT
        if not path.is_file():
            return None
        try:
            found = dict(orjson.loads(path.read_bytes()))
            names = [*(name for name, *_ in found["files"]), *found["renamed"]]
            inside = all((self.folder / name).resolve().is_relative_to(self.folder.resolve()) for name in names)
            if inside and isinstance(found["batches"], int) and isinstance(found["call"], dict):
                return found
            raise ValueError
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, OSError):
            raise CallError(f"{path} is no checkpoint of harmonize. To mend it: convert without --resume") from None

    def restore(self, checkpoint: Mapping[str, Any]) -> None:
        """Go on behind *checkpoint*: its files are cut to the lengths that they had then; others that were begun are removed."""
        try:
            for name, shard, size, lines, digest in checkpoint["files"]:
                output = self._outputs[(name, shard)] = self._reopened((name, shard), size, lines)
                if output.digest.hexdigest() != digest:
                    raise OSError(0, f"{output.path.name} is not what was written")
            wanted = {output.path for output in self._outputs.values()}
            later = [*self._begun(), *(self.folder / name for name in checkpoint["renamed"])]
            for path in later:
                if path not in wanted:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise CallError(
                f"cannot go on in {self.folder}: {error.strerror}. To mend it: convert without --resume"
            ) from None
        self._started, self._saved = True, orjson.dumps(checkpoint)

    def _reopened(self, key: OutputKey, size: int, lines: int) -> _Output:
        path = self._part(*key)
        finals = [self.folder / key[0], self._final(*key, numbered=True)]
        for final in finals:  # the run was stopped while it gave its files their names
            if not path.exists() and final.exists():
                final.rename(path)
        output = _Output(path, path.open("r+b", buffering=_BUFFER))
        assert output.file is not None
        left = size
        while left:
            data = output.file.read(min(left, _BUFFER))
            if not data:
                raise OSError(0, f"{path.name} is shorter than it was")
            output.digest.update(data)
            left -= len(data)
        output.file.truncate(size)
        output.file.seek(size)
        output.size, output.lines = size, lines
        return output

    # --- the end ----------------------------------------------------------------------------------------------------

    def finish(
        self, manifest: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]], *, sharded: bool = False
    ) -> None:
        """Rename everything to its final name, then write *documents* (single JSON files) and the manifest.

        Files that may come in shards are numbered where the run is *sharded*.
        """
        for name, document in documents.items():
            self.write(name, orjson.dumps(document, option=_OPTIONS) + b"\n")
        files: dict[str, Any] = {}
        try:
            for output in self._outputs.values():
                assert output.file is not None
                output.file.flush()
                os.fsync(output.file.fileno())
                output.file.close()
                output.file = None
            finals = {key: self._final(*key, numbered=sharded) for key in self._outputs}
            self._announce(finals.values())
            for key, output in self._outputs.items():
                final = finals[key]
                output.path.replace(final)
                files[str(final.relative_to(self.folder))] = {
                    "sha256": output.digest.hexdigest(),
                    "lines": output.lines,
                }
            whole = {**manifest, "files": dict(sorted(files.items()))}
            write_whole(self.folder / MANIFEST, orjson.dumps(whole, option=_OPTIONS) + b"\n")
            (self.folder / CHECKPOINT).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot finish the run: {error.strerror}. To mend it: free space and run again, with --resume"
            ) from None

    def _announce(self, finals: Iterable[Path]) -> None:
        """Note in the checkpoint which names are about to be given: whoever goes on finds the files again."""
        if self._saved is not None:
            renamed = [str(path.relative_to(self.folder)) for path in finals]
            write_whole(
                self.folder / CHECKPOINT, orjson.dumps({**orjson.loads(self._saved), "renamed": renamed}), mode=0o600
            )

    def _part(self, name: str, shard: int | None) -> Path:
        return self.folder / (f"{name}.part" if shard is None else f"{name}.{shard:04}.part")

    def _final(self, name: str, shard: int | None, *, numbered: bool) -> Path:
        path = self.folder / name
        return path.with_name(f"{path.stem}.{shard:04}{path.suffix}") if numbered and shard is not None else path

    def _open(self, name: str, shard: int | None) -> _Output:
        self._clear_at_start()
        path = self._part(name, shard)
        private = name.startswith(f"{PRIVATE}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644)
        output = _Output(path, os.fdopen(descriptor, "wb", buffering=_BUFFER))
        self._outputs[(name, shard)] = output
        return output

    def start_over(self) -> None:
        """Throw away what this run wrote; the next line that is written begins anew."""
        self._close()
        self._outputs = {}
        for part in self._begun():
            part.unlink(missing_ok=True)

    def _begun(self) -> list[Path]:
        """The files that this run, one that was stopped, or a report on it, began and did not finish."""
        parts = {
            path: path.relative_to(self.folder).as_posix() for path in self._files_there() if path.suffix == ".part"
        }
        return [path for path, name in parts.items() if _PART.fullmatch(name) or name.removesuffix(".part") in REPORTS]

    def _take_lock(self) -> None:
        """One run at a time. The lock of a run that was killed is gone with its process."""
        path = self.folder / _LOCK
        while True:
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
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._lock.fileno()), path.stat()):
                    return
            self._lock.close()  # the run that held it ended, and took the file away, between the two calls

    def _refuse_foreign_files(self) -> None:
        """Raise CallError where other things lie in the folder than what an earlier run left."""
        foreign = sorted(set(self._files_there()) - set(self._left_by_earlier_run()))
        if foreign:
            first = foreign[0].relative_to(self.folder)
            raise CallError(
                f"{self.folder} holds files that no run of harmonize wrote ({first}). To mend it: choose an empty folder"
            )

    def _clear_at_start(self) -> None:
        """Remove what an earlier run left, and only that: as late as can be, so that a call that is refused removes nothing."""
        if self._started:
            return
        left = self._left_by_earlier_run()
        for path in left:
            path.unlink()
        for sub_folder in sorted({path.parent for path in left} - {self.folder}, reverse=True):
            if not any(sub_folder.iterdir()):
                sub_folder.rmdir()
        self._started = True

    def _files_there(self) -> list[Path]:
        found = (path for path in self.folder.rglob("*") if path.is_file() and path.name != _LOCK)
        return [path for path in found if not path.is_relative_to(self.work_folder)]

    def _left_by_earlier_run(self) -> list[Path]:
        earlier = self._files_of_earlier_run() | self._files_of_interrupted_run()
        there = self._files_there()
        return [*{*self._begun(), *(path for path in there if str(path.relative_to(self.folder)) in earlier)}]

    def _files_of_earlier_run(self) -> set[str]:
        manifest = self.folder / MANIFEST
        if not manifest.is_file():
            return set()
        try:
            return {MANIFEST, *orjson.loads(manifest.read_bytes())["files"], *REPORTS}
        except (orjson.JSONDecodeError, TypeError, KeyError):
            raise CallError(f"{manifest} is not ours. To mend it: choose an empty folder for --out") from None

    def _files_of_interrupted_run(self) -> set[str]:
        """The names that a run may have given its files before it was stopped."""
        try:
            checkpoint = self.checkpoint()
        except CallError:  # nobody can go on from it, and it is ours by its name
            return {CHECKPOINT}
        if checkpoint is None:
            return set()
        return {CHECKPOINT, *checkpoint.get("renamed", ())}


def _can_go_on(error: BaseException | None) -> bool:
    """Whether a run that ended with *error* may go on: it was stopped, and neither call nor input were wrong."""
    wrong = isinstance(error, HarmonizeError) and not isinstance(error, OutputError) and error.exit_code != 4
    return error is not None and not wrong


def ndjson_files(folder: Path, name: str) -> list[Path]:
    """The file `<name>.ndjson` of a finished run below *folder*, or its shards in order.

    >>> ndjson_files(Path("nowhere"), "hub/subjects")
    []
    """
    path = folder / f"{name}.ndjson"
    return [path] if path.is_file() else sorted(path.parent.glob(f"{path.stem}.[0-9][0-9][0-9][0-9]*.ndjson"))


def replace_in_run(folder: Path, name: str, data: bytes) -> None:
    """Put *data* in the place of the file *name* of the finished run in *folder*; its manifest goes with it. Raises OutputError."""
    manifest = read_manifest(folder)
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "lines": data.count(b"\n")}
    files = dict(sorted({**manifest["files"], name: entry}.items()))
    try:
        write_whole(folder / name, data)
        write_whole(folder / MANIFEST, orjson.dumps({**manifest, "files": files}, option=_OPTIONS) + b"\n")
    except OSError as error:
        raise OutputError(f"cannot write {name}: {error.strerror}. To mend it: free space and build again") from None


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
