"""Regular expressions out of mappings: they run on RE2, in time that grows with the text and never with its square."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import re2

MAX_LENGTH = 1_000
MAX_MEMORY = 1 << 20
"""Bytes that RE2 may take for one pattern; what needs more is a repetition of repetitions."""

MAX_TEXT = 1_000
"""Characters of a text that is matched; no identifier is longer, and even RE2 takes long for long texts."""


def fits(pattern: Any, text: str) -> bool:
    """Whether the compiled *pattern* matches *text* as a whole; a text of more than MAX_TEXT characters never fits."""
    return len(text) <= MAX_TEXT and pattern.fullmatch(text) is not None


def compile_pattern(pattern: str, *, case_sensitive: bool = True) -> Any:
    """The RE2 pattern *pattern*. Raises ValueError with the reason where it is too long, too large or none.

    >>> compile_pattern("[A-Z]{2}[0-9]+").fullmatch("DE17") is not None
    True
    >>> compile_pattern("(?=a)")
    Traceback (most recent call last):
    ValueError: it is no RE2 pattern: invalid perl operator: (?=
    """
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"it has more than {MAX_LENGTH} characters")
    options = re2.Options()
    options.log_errors = False  # the library would write the pattern to stderr
    options.max_mem = MAX_MEMORY
    options.case_sensitive = case_sensitive
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"it is no RE2 pattern: {text[:80]}") from None


def compile_any(patterns: Iterable[str], more: str = "") -> Any:
    """One pattern that matches a line that is whatever one of *patterns* matches, with characters of *more* behind it.

    >>> compile_any(["(?i:HP:[0-9]+)", "a+"], "*").search("A\\nhp:1*") is not None
    True
    """
    options = re2.Options()
    options.never_capture, options.max_mem = True, 32 * MAX_MEMORY
    behind = f"[{re2.escape(more)}]*" if more else ""
    return re2.compile(f"(?m)^(?:{'|'.join(f'(?:{pattern})' for pattern in patterns)}){behind}$", options)


_MAY_MATCH_LINE_ENDS = re.compile(r"\\|\[\^|\.")
_CLASSES = re.compile(r"\[[^\]^][^\]]*\]")
_FEW = 16


def fitting(pattern: str, texts: Sequence[str]) -> set[str]:
    """Those of *texts* that *pattern* surely matches as a whole, found in few passes over many of them; a few may be missed.

    >>> sorted(fitting("[0-9]+", ["1", "22"])), fitting("[0-9]+", ["1", "x"])
    (['1', '22'], set())
    """
    if _MAY_MATCH_LINE_ENDS.search(_CLASSES.sub("", pattern)):
        return set()  # what could match the end of a line would match over several texts
    lines = compile_pattern(f"(?:(?:{pattern})\n)*")
    found: set[str] = set()
    waiting = [[text for text in texts if "\n" not in text]]
    while waiting:
        part = waiting.pop()
        if lines.fullmatch("\n".join([*part, ""])):
            found.update(part)
        elif len(part) > _FEW:
            waiting += [part[: len(part) // 2], part[len(part) // 2 :]]
    return found
