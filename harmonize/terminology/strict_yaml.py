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

from harmonize.errors import SpecificationError

MAX_BYTES = 5_000_000
MAX_DEPTH = 64


class _Loader(yaml.SafeLoader):
    """A loader without implicit types: scalars are built by `_build`, not by constructors."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SpecificationError(
                "anchors and aliases are refused", line=event.start_mark.line + 1, fix="write it out"
            )
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise SpecificationError("tags are refused", line=event.start_mark.line + 1, fix="remove the tag")
        return super().compose_node(parent, index)


def load_strict_yaml(source: Path | str, *, name: str) -> tuple[Any, Mapping[str, int]]:
    """The content of *source* (a path, or YAML text) as dicts, lists and texts, and the line of every JSON Pointer.

    *name* is what messages call the file. Raises SpecificationError with file and line.

    >>> load_strict_yaml("country: NO\\ncode: 012", name="x.yaml")[0]
    {'country': 'NO', 'code': '012'}
    """
    data = source.read_bytes() if isinstance(source, Path) else source.encode()
    if len(data) > MAX_BYTES:
        raise SpecificationError(f"larger than {MAX_BYTES} bytes", file=name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise SpecificationError("not UTF-8", file=name, fix="convert it to UTF-8") from None
    lines: dict[str, int] = {}
    try:
        _refuse_depth(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        return _build(node, "", lines, 0), lines
    except SpecificationError as error:
        raise SpecificationError(error.what, file=name, line=error.line, fix=error.fix) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "no YAML"
        raise SpecificationError(str(problem), file=name, line=mark.line + 1 if mark else None) from None


def _refuse_depth(text: str) -> None:
    """Refuse deep nesting from the events, before any tree is built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise SpecificationError(f"nested deeper than {MAX_DEPTH}", line=event.start_mark.line + 1)  # type: ignore[union-attr]
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _build(node: Node | None, pointer: str, lines: dict[str, int], depth: int) -> Any:
    if node is None:
        return {}
    lines[pointer] = node.start_mark.line + 1
    if isinstance(node, ScalarNode):
        return str(node.value)
    if isinstance(node, SequenceNode):
        return [_build(item, f"{pointer}/{index}", lines, depth + 1) for index, item in enumerate(node.value)]
    if isinstance(node, MappingNode):
        return _build_mapping(node, pointer, lines, depth)
    raise SpecificationError("an unknown kind of node", line=node.start_mark.line + 1)


def _build_mapping(node: MappingNode, pointer: str, lines: dict[str, int], depth: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            raise SpecificationError("a key that is no text", line=line)
        key = str(key_node.value)
        if key == "<<":
            raise SpecificationError("merge keys are refused", line=line, fix="write it out")
        if key in result:
            raise SpecificationError(f"the key {key!r} stands twice", line=line, fix="keep one of them")
        result[key] = _build(value_node, f"{pointer}/{key}", lines, depth + 1)
        lines[f"{pointer}/{key}"] = line
    return result
