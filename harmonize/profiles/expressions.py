"""The closed expression language of `expr`: constants, paths and calls of the function library. Nothing else.

An expression is LinkML's expression language cut down to what stays total and checkable: it is parsed with `ast`
against a white list, names are checked against the source schema and the library, and it is compiled, never evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from harmonize.errors import SpecificationError

MAX_LENGTH = 2_000
MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Constant:
    """A text or whole number written in the expression."""

    value: str | int


@dataclass(frozen=True, slots=True)
class Path:
    """A slot of the source object, or a slot of the single object or the objects that it holds."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function of the library."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Constant | Path | Call


def parse_expression(text: str, *, file: str = "", line: int | None = None) -> Expression:
    """The expression *text*. Raises SpecificationError, naming what is refused.

    >>> parse_expression("date(onset.value)")
    Call(function='date', arguments=(Path(names=('onset', 'value')),))
    >>> parse_expression("__import__('os').system('id')")
    Traceback (most recent call last):
    harmonize.errors.SpecificationError: expression: a call of something that is not a function of the library ...
    """

    def refuse(what: str) -> SpecificationError:
        return SpecificationError(
            f"expression: {what} is refused",
            file=file,
            line=line,
            fix="use constants, paths and library functions only",
        )

    def convert(node: ast.AST, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise refuse(f"nesting deeper than {MAX_DEPTH}")
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) or type(node.value) is int:
                return Constant(node.value)
            raise refuse(f"a constant of type {type(node.value).__name__}")
        if isinstance(node, ast.Name | ast.Attribute):
            return Path(_names(node, refuse))
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name):
                raise refuse("a call of something that is not a function of the library")
            if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
                raise refuse("a keyword or starred argument")
            return Call(node.func.id, tuple(convert(a, depth + 1) for a in node.args))
        raise refuse(type(node).__name__)

    return convert(_tree(text.strip(), refuse), 0)


def _tree(text: str, refuse: Callable[[str], SpecificationError]) -> ast.expr:
    """The syntax tree of *text*, before anything is said of what stands in it."""
    if len(text) > MAX_LENGTH:
        raise refuse(f"a text of more than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise refuse("what is no expression") from None
    if not _names_are_ascii(tree, text):
        raise refuse("a name with letters that are not A to Z")
    return tree.body


def _names_are_ascii(tree: ast.AST, text: str) -> bool:
    """Whether all names are written in ASCII. Python silently takes look-alikes (full width, ligatures) for ASCII names."""
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute))
    return all((ast.get_source_segment(text, node) or "").isascii() for node in names)


def _names(node: ast.AST, refuse: Callable[[str], SpecificationError]) -> tuple[str, ...]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise refuse("an attribute of something that is not a slot")
    names.append(node.id)
    if any(name.startswith("_") for name in names):
        raise refuse("a name that starts with an underscore")
    return tuple(reversed(names))


def paths_of(expression: Expression) -> tuple[Path, ...]:
    """All paths that occur in *expression*, in order."""
    if isinstance(expression, Path):
        return (expression,)
    if isinstance(expression, Call):
        return tuple(path for argument in expression.arguments for path in paths_of(argument))
    return ()
