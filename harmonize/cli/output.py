"""What every verb prints and writes: JSON on stdout, sentences on stderr, the file of --out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from harmonize.errors import CallError
from harmonize.whole_files import write_whole


def print_json(document: Any) -> None:
    """The answer for scripts."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def say(text: str, *, quiet: bool = False) -> None:
    """A sentence for people, on stderr."""
    if not quiet:
        print(text, file=sys.stderr)


def write_file(path: Path, data: bytes) -> None:
    """Write what `--out` asks for. Raises CallError where it cannot be written."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise CallError(
            f"{path} cannot be written ({error.strerror}). To mend it: give --out a file in a folder that is there"
        ) from None
