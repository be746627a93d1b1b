"""YAML as data and nothing else: every scalar is text, every key stands once, nothing is expanded or executed.

`NO` stays Norway, `012` stays `012`, `12:30` stays `12:30`. Anchors, aliases and tags are refused, and so are files
that are too large or too deep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from harmonize.errors import SpecificationError

MAX_BYTES = 5_000_000
MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_POINTER = 1_000
"""Characters of a JSON Pointer: one is kept for every node, so long keys above many nodes would fill the memory."""


def load_strict_yaml(source: Path | str, *, name: str) -> tuple[Any, Mapping[str, int]]:
    """The content of *source* (a path, or YAML text) as dicts, lists and texts, and the line of every JSON Pointer.

    *name* is what messages call the file. Raises SpecificationError with file and line.

    >>> load_strict_yaml("country: NO\\ncode: 012", name="x.yaml")[0]
    {'country': 'NO', 'code': '012'}
    """
    data = _bytes_of(source)
    if len(data) > MAX_BYTES:
        raise SpecificationError(f"larger than {MAX_BYTES} bytes", file=name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise SpecificationError("not UTF-8", file=name, fix="convert it to UTF-8") from None
    try:
        return _Document(text).read()
    except SpecificationError as error:
        raise SpecificationError(error.what, file=name, line=error.line, fix=error.fix) from None
    except yaml.YAMLError as error:
        raise SpecificationError(_problem(error, data), file=name, line=_line(error, data)) from None


def _bytes_of(source: Path | str) -> bytes:
    """The bytes of *source*, of a file no more than are needed to see that it is too large."""
    if isinstance(source, str):
        return source.encode("utf-8", "surrogatepass")
    with source.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _problem(error: yaml.YAMLError, data: bytes) -> str:
    """What the parser says, without the piece of the file that it quotes."""
    if isinstance(error, ReaderError):
        return "a control character, which YAML does not allow"
    mark = getattr(error, "problem_mark", None)
    if mark is not None and data.decode()[mark.index : mark.index + 1] == "\t":
        return "a tab, where YAML wants spaces"
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    return ", ".join(part for part in parts if part) or "no YAML"


def _line(error: yaml.YAMLError, data: bytes) -> int | None:
    if isinstance(error, ReaderError):
        return data.count(b"\n", 0, error.position) + 1
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else None


class _Document:
    """A YAML text, read event by event: what is dangerous, deep or too much is refused before it is built."""

    def __init__(self, text: str) -> None:
        self._parser = CParser(text)
        self._nodes = 0
        self.lines: dict[str, int] = {}
        """The line of every JSON Pointer."""

    def read(self) -> tuple[Any, Mapping[str, int]]:
        """The content of the only document, and its lines."""
        self._next()  # the stream starts
        content: Any = {}
        if not isinstance(self._next(), StreamEndEvent):  # else a document starts
            content = self._value(self._node(self._next(), 0), "", 0)
            self._next()  # it ends
            more = self._next()
            if not isinstance(more, StreamEndEvent):
                raise SpecificationError("more than one document", line=_start(more), fix="keep one of them")
        return content, self.lines

    def _next(self) -> Event:
        return cast(Event, self._parser.get_event())

    def _node(self, event: Event, depth: int) -> NodeEvent:
        """*event*, which starts a node, unless it is one that is refused."""
        line = _start(event)
        if isinstance(event, AliasEvent) or not isinstance(event, NodeEvent) or event.anchor:
            raise SpecificationError("anchors and aliases are refused", line=line, fix="write it out")
        if getattr(event, "tag", None) not in (None, "!"):
            raise SpecificationError("tags are refused", line=line, fix="remove the tag")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise SpecificationError(f"more than {MAX_NODES} keys and values", line=line)
        if depth >= MAX_DEPTH and isinstance(event, CollectionStartEvent):
            raise SpecificationError(f"nested deeper than {MAX_DEPTH}", line=line)
        return event

    def _value(self, event: NodeEvent, pointer: str, depth: int) -> Any:
        """The dict, list or text that *event* starts, and *depth* collections around it."""
        line = self.lines.setdefault(pointer, _start(event))
        if len(pointer) > MAX_POINTER:
            raise SpecificationError(f"keys of more than {MAX_POINTER} characters, one in another", line=line)
        if isinstance(event, ScalarEvent):
            return event.value
        if isinstance(event, SequenceStartEvent):
            return list(self._items(pointer, depth + 1))
        return self._mapping(pointer, depth + 1)

    def _items(self, pointer: str, depth: int) -> Iterator[Any]:
        index = 0
        while not isinstance(event := self._next(), SequenceEndEvent):
            yield self._value(self._node(event, depth), f"{pointer}/{index}", depth)
            index += 1

    def _mapping(self, pointer: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._key(self._node(event, depth), result)
            self.lines[f"{pointer}/{key}"] = _start(event)
            result[key] = self._value(self._node(self._next(), depth), f"{pointer}/{key}", depth)
        return result

    def _key(self, event: NodeEvent, others: Mapping[str, Any]) -> str:
        line = _start(event)
        if not isinstance(event, ScalarEvent):
            raise SpecificationError("a key that is no text", line=line)
        if event.value == "<<":
            raise SpecificationError("merge keys are refused", line=line, fix="write it out")
        if event.value in others:
            raise SpecificationError(f"the key {event.value!r} stands twice", line=line, fix="keep one of them")
        key: str = event.value
        return key


def _start(event: Event) -> int:
    """The line on which *event* starts."""
    return event.start_mark.line + 1 if event.start_mark else 1
