"""What every verb prints and writes: JSON on stdout, sentences on stderr, the file of --out."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, SpecificationError
from harmonize.whole_files import is_taken, whole_folder, write_whole


def print_json(document: Any) -> None:
    """The answer for scripts."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def say(text: str, *, quiet: bool = False) -> None:
    """A sentence for people, on stderr."""
    if not quiet:
        print(text, file=sys.stderr)


def say_editions(entry: Mapping[str, Any]) -> None:
    """Where several editions lie in a folder and their names do not say which is newer: which one is used."""
    if not entry["order_known"]:
        others = ", ".join(name or "without edition" for name in entry["other_editions"])
        say(
            f"note: {entry['system']}: {entry['version']} is used; its name does not say whether it is newer than {others}"
        )


def say_damaged(errors: Sequence[SpecificationError]) -> None:
    """All that is wrong with installed files; the last of them is raised, so that the verb leaves with its code."""
    for error in errors[:-1]:
        say(f"harmonize: {error}")
    if errors:
        raise errors[-1]


def write_file(path: Path, data: bytes) -> None:
    """Write what `--out` asks for. Raises CallError where it cannot be written."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise CallError(
            f"{path} cannot be written ({error.strerror}). To mend it: give --out a file in a folder that is there"
        ) from None


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write the texts *files* by name as the folder that `--out` asks for: all of them or none. Raises CallError."""
    if is_taken(folder):
        raise CallError(f"{folder} is there and is no empty folder. To mend it: choose another --out")
    try:
        with whole_folder(folder) as aside:
            for name, text in files.items():
                (aside / name).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise CallError(f"{folder} cannot be written ({error.strerror}). To mend it: choose another --out") from None
