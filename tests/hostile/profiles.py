"""Copies of a profile that a test may poison, and a watch on the files that are opened meanwhile."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harmonize.convert import Engine, Settings
from harmonize.profiles.specification_files import profile_folder
from tests.registry import KEY


def copy_profile(parent: Path) -> Path:
    """A copy of eu/ern-cde below *parent*."""
    target = parent / "eu" / "ern-cde"
    shutil.copytree(profile_folder("eu/ern-cde"), target)
    return target


def compile_of(folder: Path) -> Engine:
    """Load and compile the profile in *folder*, as a conversion does."""
    return Engine(Settings(str(folder), ("hub",), KEY))


@dataclass
class Watch:
    """The paths that were opened, and what else was done that no profile may do."""

    on: bool = False
    opened: list[Path] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)


_watch = Watch()
_FORBIDDEN = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.remove", "os.rename", "os.mkdir")


def _note(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook cannot be removed, so it looks at a switch."""
    if not _watch.on:
        return
    if event == "open" and isinstance(arguments[0], str):
        _watch.opened.append(Path(arguments[0]))
    elif event in _FORBIDDEN:
        _watch.forbidden.append(event)


sys.addaudithook(_note)


@contextmanager
def watching() -> Iterator[Watch]:
    """What Python opens and starts inside of the block."""
    _watch.opened, _watch.forbidden, _watch.on = [], [], True
    try:
        yield _watch
    finally:
        _watch.on = False
