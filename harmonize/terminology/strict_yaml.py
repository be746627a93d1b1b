"""YAML as data and nothing else: every scalar is text, every key stands once, nothing is expanded or executed.

`NO` stays Norway, `012` stays `012`, `12:30` stays `12:30`. Anchors, aliases and tags are refused, and so are files
that are too large or too deep.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from harmonize.errors import SpecificationError

MAX_BYTES = 5_000_000
MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_POINTER = 1_000
"""Characters of a JSON Pointer: one is kept for every node, so long keys above many nodes would fill the memory."""


class _Loader(yaml.SafeLoader):
    """A loader without implicit types: scalars are built by `_build`, not by constructors."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = self.nodes = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """The next node. What is dangerous, deep or too much is refused before it is built."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SpecificationError("anchors and aliases are refused", line=line, fix="write it out")
        if getattr(event, "tag", None) not in (None, "!"):
            raise SpecificationError("tags are refused", line=line, fix="remove the tag")
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise SpecificationError(f"more than {MAX_NODES} keys and values", line=line)
        if not isinstance(event, yaml.CollectionStartEvent):
            return super().compose_node(parent, index)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SpecificationError(f"nested deeper than {MAX_DEPTH}", line=line)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


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
    lines: dict[str, int] = {}
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return _build(node, "", lines, 0), lines
    except SpecificationError as error:
        raise SpecificationError(error.what, file=name, line=error.line, fix=error.fix) from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        raise SpecificationError(_problem(error), file=name, line=_line(error, text, loader)) from None


def _bytes_of(source: Path | str) -> bytes:
    """The bytes of *source*, of a file no more than are needed to see that it is too large."""
    if isinstance(source, str):
        return source.encode("utf-8", "surrogatepass")
    with source.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _problem(error: Exception) -> str:
    """What the parser says, without the piece of the file that it quotes."""
    if isinstance(error, ReaderError):
        return "a control character, which YAML does not allow"
    if isinstance(error, ValueError | OverflowError):
        return "an escape that is no character"
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    return ", ".join(part for part in parts if part) or "no YAML"


def _line(error: Exception, text: str, loader: _Loader | None) -> int | None:
    if isinstance(error, ReaderError):
        return text.count("\n", 0, error.position) + 1
    mark = getattr(error, "problem_mark", None)
    if mark is None and loader is not None:
        return int(loader.line) + 1
    return mark.line + 1 if mark else None


def _build(node: Node | None, pointer: str, lines: dict[str, int], depth: int) -> Any:
    if node is None:
        return {}
    line = lines[pointer] = node.start_mark.line + 1
    if len(pointer) > MAX_POINTER:
        raise SpecificationError(f"keys of more than {MAX_POINTER} characters, one in another", line=line)
    if isinstance(node, ScalarNode):
        return _text(node)
    if isinstance(node, SequenceNode):
        return [_build(item, f"{pointer}/{index}", lines, depth + 1) for index, item in enumerate(node.value)]
    if isinstance(node, MappingNode):
        return _build_mapping(node, pointer, lines, depth)
    raise SpecificationError("an unknown kind of node", line=node.start_mark.line + 1)


def _text(node: ScalarNode) -> str:
    """The text of *node*. Half of a surrogate pair, which an escape can make, is no text that could be written again."""
    text = str(node.value)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise SpecificationError("an escape that is no character", line=node.start_mark.line + 1)
    return text


def _build_mapping(node: MappingNode, pointer: str, lines: dict[str, int], depth: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            raise SpecificationError("a key that is no text", line=line)
        key = _text(key_node)
        if key == "<<":
            raise SpecificationError("merge keys are refused", line=line, fix="write it out")
        if key in result:
            raise SpecificationError(f"the key {key!r} stands twice", line=line, fix="keep one of them")
        result[key] = _build(value_node, f"{pointer}/{key}", lines, depth + 1)
        lines[f"{pointer}/{key}"] = line
    return result
