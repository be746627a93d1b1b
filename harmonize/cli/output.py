"""What every verb prints: JSON on stdout, sentences on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(document: Any) -> None:
    """The answer for scripts."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def say(text: str, *, quiet: bool = False) -> None:
    """A sentence for people, on stderr."""
    if not quiet:
        print(text, file=sys.stderr)
