"""A griffe extension for mkdocstrings: examples in docstrings (>>>) are shown as code, as they stand in the source."""

from __future__ import annotations

from typing import Any

import griffe


def fenced(text: str) -> str:
    """*text* with a fence around every run of lines that belongs to an example."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if not inside and line.startswith(">>>"):
            lines.append("```pycon")
            inside = True
        elif inside and not line.strip():
            lines.append("```")
            inside = False
        lines.append(line)
    return "\n".join([*lines, "```"] if inside else lines)


class Examples(griffe.Extension):
    """Puts fences around examples."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every object that has been read."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
