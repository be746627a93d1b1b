"""`harmonize terminology add`: a file that a user may use -> a compiled code system in the user's folder.

The file is read in a process of its own, which has limits of time and memory and cannot reach the network. It writes aside; what it
wrote is opened and then renamed, so that an edition that was there stays as it was whatever happens.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, HarmonizeError, InputError, UnknownNameError
from harmonize.terminology.added_sets import move_sets
from harmonize.terminology.compiling import PREFIX, Order, SetReader, compile_file
from harmonize.terminology.formats import FORMATS, PLANNED, SETS, TRANSLATIONS
from harmonize.terminology.formats.delimited import ROLES
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import CodeSystemStore, editions_in

TIMEOUT_SECONDS = 900
MEMORY_BYTES = 4 << 30
"""Address space of the process that reads."""
ENCODINGS = ("utf-8", "iso-8859-1", "iso-8859-15", "windows-1252")
_ASIDE = ".adding-"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]+")


def add_code_system(order: Order, into: Path, worker: str = "harmonize.terminology.add") -> dict[str, Any]:
    """Compile the file into the folder *into*: system, version, format, concepts, file, code maps, and what has to be said.

    *worker* is the module that reads; `harmonize.curation.add_worker` reads ConceptMaps too.

    Raises CallError for a wrong order, InputError for a file that is not what it says; then *into* is as it was.
    """
    _check(order)
    path = Path(order.file)
    if not path.is_file() and not path.is_dir():
        raise CallError(f"there is no file or folder {order.file}")
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(into) as aside:
            answer = _compile_apart(replace(order, into=str(into)), aside / "store.sqlite", worker)
            answer["file"] = _place(answer, aside, into)
    except OSError as error:
        raise CallError(f"cannot write into {into}: {error.strerror}") from None
    return answer


def _place(answer: dict[str, Any], aside: Path, into: Path) -> str | None:
    """Move what was made in *aside* to its place in *into*: the path of the store, where one was made."""
    store = aside / "store.sqlite"
    if answer["system"] is not None:
        CodeSystemStore(store).close()
    moved = {path.name: str(path) for path in move_sets(aside, into)}
    for one in answer["sets"]:
        one["file"] = moved[one["file"]]
    if answer["system"] is None:
        return None
    version = _NOT_IN_NAMES.sub("_", answer["version"])[:60]
    target = into / f"{answer['system']}-{version}.sqlite"
    store.replace(target)
    editions = editions_in(into)[answer["system"]]
    if len(editions.names) > 1:
        others = f"{len(editions.names) - 1} other editions lie there: {editions.newest} is the one that is used"
        unsure = ", though their names do not say which is newer: delete those that are not to be used"
        answer["said"].append(f"{others}{'' if editions.sure else unsure}")
    return str(target)


@contextmanager
def _alone_in(folder: Path) -> Iterator[Path]:
    """A place of our own inside *folder*, which nobody else adds to meanwhile: another process waits.

    The lock ends with the process that holds it, so whatever lies aside when we hold it was left by one that was killed.
    """
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob(f"{_ASIDE}*"):
            shutil.rmtree(left, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder))
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    finally:
        os.close(lock)


def _check(order: Order) -> None:
    known = (*FORMATS, *SETS, *PLANNED, TRANSLATIONS)
    if order.format and order.format not in known:
        raise UnknownNameError("format of code systems", order.format, known)
    if order.partial and order.whole:
        raise CallError("--partial and --whole say opposite things. To mend it: give one of them")
    if order.encoding not in ENCODINGS:
        raise UnknownNameError("encoding", order.encoding, ENCODINGS)
    prefix, axis, _ = order.system.partition("/")
    if prefix and not PREFIX.fullmatch(prefix):
        raise CallError(f"{prefix[:60]!r} is no CURIE prefix. To mend it: write letters and digits, such as ICD10GM")
    if axis and order.system not in load_systems().notations:
        raise UnknownNameError("axis of a code system", order.system, (n for n in load_systems().notations if "/" in n))
    if prefix == "UCUM":
        raise CallError("UCUM is a grammar and no list of codes; it is built in")
    for role in order.columns:
        if role not in ROLES:
            raise UnknownNameError("role of a column", role, ROLES)


def _compile_apart(order: Order, target: Path, worker: str) -> dict[str, Any]:
    """Compile in a process that can be killed. Its answer, or the error that it names."""
    command = [sys.executable, "-P", "-m", worker, str(target)]
    name = Path(order.file).name
    try:
        done = subprocess.run(
            command, input=json.dumps(asdict(order)).encode(), check=False, capture_output=True, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"it was not read within {TIMEOUT_SECONDS} s", file=name) from None
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise InputError(f"the process that reads it broke off ({done.returncode})", file=name) from None
    if "error" in answer:
        if answer["error"] == "CallError":
            raise CallError(answer["what"])
        raise InputError(answer["what"], file=answer["file"], row=answer["row"], fix=answer["fix"])
    return answer


def _limit() -> None:
    """No more memory than is granted, and no network."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, most))

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.exec"):
            raise RuntimeError("a code system may not reach the network or start programs")

    sys.addaudithook(refuse)


def _lift_limit() -> None:
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(sets: Mapping[str, SetReader] = SETS) -> None:
    """What runs in the process that reads: the order on stdin, the answer or the error on stdout, both as JSON."""
    order = Order(**json.load(sys.stdin))
    _limit()
    try:
        answer = compile_file(order, Path(sys.argv[1]), sets)
    except InputError as error:
        file = error.file or Path(order.file).name
        answer = {"error": "InputError", "what": error.what, "file": file, "row": error.row, "fix": error.fix}
    except HarmonizeError as error:
        answer = {"error": "CallError", "what": str(error)}
    except MemoryError:
        _lift_limit()  # what was read may still be held, and the answer takes memory too
        what = f"more than {MEMORY_BYTES >> 30} GiB of memory are needed to read it"
        answer = {"error": "InputError", "what": what, "file": Path(order.file).name, "row": None, "fix": ""}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
