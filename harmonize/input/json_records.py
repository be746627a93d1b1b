"""The objects of a JSON array one by one, in flat memory: numbers keep their digits, NaN and doubled keys are refused.

Source: RFC 8259. A number becomes the text that was written; true and false become `true` and `false`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from harmonize.errors import InputError
from harmonize.input.files import open_bytes
from harmonize.input.log import ReadLog

MAX_RECORD = 16_000_000
"""Characters of one object. No record of a person is longer, and reading it would fill the memory."""
CHUNK = 1 << 20
"""Characters that are read at a time."""
_BLANK = " \t\n\r"


class DoubledKeys(dict[str, Any]):
    """An object in which a key stands twice: which of the values is meant nobody can tell."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else DoubledKeys(made)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=_refuse_constant, strict=True
)


class _Text:
    """The text of a file from a place on; more is read when it is asked for."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self.stream, self.buffer, self.place, self.ended = stream, "", 0, False

    def more(self, size: int) -> None:
        read = self.stream.read(size)
        self.buffer, self.place, self.ended = self.buffer[self.place :] + read, 0, not read

    def next_character(self) -> str:
        """The next character that is no blank, or the empty text at the end; it stays."""
        while True:
            while self.place < len(self.buffer):
                if self.buffer[self.place] not in _BLANK:
                    return self.buffer[self.place]
                self.place += 1
            if self.ended:
                return ""
            self.more(CHUNK)

    def value(self) -> Any:
        """The JSON value that starts here. Raises ValueError where there is none."""
        while True:
            try:
                value, self.place = _DECODER.raw_decode(self.buffer, self.place)
            except json.JSONDecodeError:
                length = len(self.buffer) - self.place
                if self.ended or length > MAX_RECORD:
                    raise
                self.more(max(CHUNK, length))
            else:
                return value


def array_records(path: Path, log: ReadLog | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number from 1, object) of the array of objects in *path*.

    Raises InputError where the file holds no array of objects. Where it is cut off or broken further on, the rest is said
    to be unreadable and `log.partly` is set.
    """
    with open_bytes(path) as stream:
        text = _Text(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="strict"))
        try:
            if text.next_character() != "[":
                raise InputError(
                    "it is no JSON array of objects",
                    file=path.name,
                    fix="export the records as JSON; an object is what REDCap's API answers where a call failed",
                )
            text.place += 1
            yield from _items(text, path, log)
        except UnicodeDecodeError:
            raise InputError("bytes that are no UTF-8", file=path.name, fix="export it in UTF-8") from None


def _items(text: _Text, path: Path, log: ReadLog | None) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    if text.next_character() == "]":
        text.place += 1
        _require_end(text, path, 1, log)
        return
    while True:
        number += 1
        try:
            text.next_character()
            value = text.value()
        except (ValueError, RecursionError):
            _unreadable(path, number, log)
            return
        if not isinstance(value, dict):
            raise InputError("an item of the array is no object", file=path.name, row=number, fix="export the records")
        yield number, value
        mark = text.next_character()
        text.place += 1
        if mark == "]":
            _require_end(text, path, number + 1, log)
            return
        if mark != ",":
            _unreadable(path, number + 1, log)
            return


def _require_end(text: _Text, path: Path, number: int, log: ReadLog | None) -> None:
    if text.next_character():
        _unreadable(path, number, log)


def _unreadable(path: Path, number: int, log: ReadLog | None) -> None:
    if log is not None:
        message = "no JSON object can be read here: the rest of the file could not be read"
        log.cut_off(path.name, number, message, "copy the file again, or export it again")
