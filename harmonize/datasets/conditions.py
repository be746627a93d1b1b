"""The closed language of conditions: when an item of a data set binds, which objects it is about.

A condition is a Python comparison over the slots of one hub object, cut down to what is total and checkable. It is parsed
with `ast` against a white list, its names are checked against the hub schema, and it is compiled, never evaluated.

- `origin == 'normal_blood'`, `type in ['SNOMEDCT:387713003', 'OTH']`: a coded value is equal to each of its codes and to its NullFlavor;
- `filled(morphology)`, `panel_of_normals_included == True`, `system(topography, 'ICDO3')`;
- `any(diagnoses, filled(morphology))`: one of a list; inside, names are slots of its objects;
- `petal('cancer')`: the petal is in use; `comes_from('alignment_software')`: the slot that holds the object;
- `record.vital_status.date_of_death`: from the record; `holder.x`: from the object that holds this one;
- `and`, `or`, `not`; `False`: never, where a source prints a condition that cannot be meant.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass

from harmonize.errors import SpecificationError
from harmonize.hub import hub_schema

MAX_LENGTH = 1_000
MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class SlotPath:
    """Slots from the object itself, from the `record` or from its `holder`; `range` is what stands at the end."""

    base: str
    slots: tuple[str, ...]
    range: str
    multivalued: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """Whether a value is one of the constants, or is none of them."""

    path: SlotPath
    values: tuple[str | bool, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """Whether there is a value that is no NullFlavor."""

    path: SlotPath


@dataclass(frozen=True, slots=True)
class HasSystem:
    """Whether a coded value has a code of one of the systems."""

    path: SlotPath
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Whether the condition holds for one object of a list."""

    path: SlotPath
    condition: Condition


@dataclass(frozen=True, slots=True)
class Petal:
    """Whether a petal is in use."""

    name: str


@dataclass(frozen=True, slots=True)
class ComesFrom:
    """Whether the object stands in one of these slots."""

    slots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Every:
    """All of the conditions."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the conditions. Of none of them: never."""

    conditions: tuple[Condition, ...]


Condition = Compare | Filled | HasSystem | AnyOf | Petal | ComesFrom | Not | Every | Either


def parse_condition(
    text: str, class_name: str, holder: str | None = None, *, file: str = "", line: int | None = None
) -> Condition:
    """The condition *text* over objects of the hub class *class_name*. Raises SpecificationError, naming what is refused.

    >>> parse_condition("filled(morphology)", "Diagnosis")
    Filled(path=SlotPath(base='object', slots=('morphology',), range='CodedValue', multivalued=False))
    >>> parse_condition("open('x')", "Diagnosis")
    Traceback (most recent call last):
    harmonize.errors.SpecificationError: condition: the function 'open' is refused. ...
    """
    return _Parser(class_name, holder, file, line).parse(text)


def petals_of(condition: Condition | None) -> frozenset[str]:
    """The petals that *condition* asks for."""
    match condition:
        case Petal(name=name):
            return frozenset({name})
        case Not(condition=inner) | AnyOf(condition=inner):
            return petals_of(inner)
        case Every(conditions=several) | Either(conditions=several):
            return frozenset().union(*map(petals_of, several))
    return frozenset()


def is_asked(condition: Condition | None, petals: Collection[str]) -> bool:
    """Whether *condition* holds by the *petals* in use alone, with no object to look at.

    >>> is_asked(parse_condition("petal('cancer') or excluded == True", "Diagnosis"), ["cancer"])
    True
    """
    return condition is None or _by_petals(condition, petals) is True


def _by_petals(condition: Condition, petals: Collection[str]) -> bool | None:
    """Whether *condition* holds, as far as the petals decide it; None where an object would have to."""
    match condition:
        case Petal(name=name):
            return name in petals
        case Not(condition=inner):
            answer = _by_petals(inner, petals)
            return None if answer is None else not answer
        case Every(conditions=several) | Either(conditions=several):
            decisive = isinstance(condition, Either)
            answers = [_by_petals(one, petals) for one in several]
            if decisive in answers:
                return decisive
            return None if None in answers else not decisive
    return None


class _Parser:
    def __init__(self, class_name: str, holder: str | None, file: str, line: int | None) -> None:
        self._class, self._holder, self._file, self._line = class_name, holder, file, line

    def parse(self, text: str) -> Condition:
        if len(text) > MAX_LENGTH or not text.isascii():
            raise self._refuse(f"a text of more than {MAX_LENGTH} characters or beyond ASCII")
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise self._refuse("what is no expression") from None
        return self._condition(tree.body, 0)

    def _refuse(self, what: str) -> SpecificationError:
        return SpecificationError(
            f"condition: {what} is refused",
            file=self._file,
            line=self._line,
            fix="see docs/reference/datasets.md, Conditions",
        )

    def _condition(self, node: ast.expr, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise self._refuse(f"nesting deeper than {MAX_DEPTH}")
        match node:
            case ast.BoolOp(op=ast.And()):
                return Every(tuple(self._condition(value, depth + 1) for value in node.values))
            case ast.BoolOp():
                return Either(tuple(self._condition(value, depth + 1) for value in node.values))
            case ast.UnaryOp(op=ast.Not()):
                return Not(self._condition(node.operand, depth + 1))
            case ast.Compare(ops=[operator], comparators=[right]):
                return self._compare(node.left, operator, right)
            case ast.Constant(value=False):
                return Either(())
            case ast.Call(func=ast.Name(id=function), keywords=[]):
                return self._call(function, node.args, depth)
        raise self._refuse(type(node).__name__)

    def _compare(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Condition:
        path = self._path(left)
        match operator, right:
            case ((ast.Eq() | ast.NotEq()), ast.Constant()):
                values: tuple[str | bool, ...] = (self._constant(right),)
            case ((ast.In() | ast.NotIn()), ast.List()):
                values = tuple(map(self._constant, right.elts))
            case _:
                raise self._refuse(f"the comparison {type(operator).__name__}")
        return Compare(path, values, isinstance(operator, ast.NotEq | ast.NotIn))

    def _constant(self, node: ast.expr) -> str | bool:
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bool):
            return node.value
        raise self._refuse("what is neither a text nor True or False")

    def _call(self, function: str, arguments: list[ast.expr], depth: int) -> Condition:
        match function, arguments:
            case "filled", [path]:
                return Filled(self._path(path))
            case "system", [path, *systems] if systems:
                return HasSystem(self._path(path), tuple(str(self._constant(system)) for system in systems))
            case "any", [path, condition]:
                collection = self._path(path)
                inner = _Parser(collection.range, self._class, self._file, self._line)
                return AnyOf(collection, inner._condition(condition, depth + 1))
            case "petal", [name]:
                return Petal(str(self._constant(name)))
            case "comes_from", [*slots] if slots:
                return ComesFrom(tuple(str(self._constant(slot)) for slot in slots))
        raise self._refuse(f"the function {function!r}")

    def _path(self, node: ast.expr) -> SlotPath:
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            raise self._refuse("what is no slot")
        names.append(node.id)
        names.reverse()
        base, current = "object", self._class
        if names[0] in ("record", "holder") and len(names) > 1:
            base = names.pop(0)
            current = "Subject" if base == "record" else self._holder or ""
        multivalued = False
        for name in names:
            slot = hub_schema().classes.get(current, {}).get(name)
            if slot is None:
                raise self._refuse(f"{name!r}, which is no slot of {current or 'anything'},")
            current, multivalued = slot.range, multivalued or slot.multivalued
        return SlotPath(base, tuple(names), current, multivalued)
