"""Functions of a plan for source objects that state the same slots: all that is asked of other slots is left out of them.

Of dozens of slots of a class an object states a few, and objects repeat which. What a slot that is not stated makes is known beforehand:
nothing. The generated text is folded by that and no more, so that the function says and makes what the general one does. With the compiled
extension the steps of the shape (`shape_programs`) run, and the function only where they give an object up.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harmonize.extensions import extension
from harmonize.hub.objects import DerivedObject, HubObject
from harmonize.profiles.notes import Noted, SubjectLog
from harmonize.profiles.plan import Derive
from harmonize.profiles.row_programs import RowProgram
from harmonize.profiles.source_record import SourceObject

MANY_PATHS = 8
"""Paths of a class from which on its objects in lists get functions by their shapes."""
SOME = 100
"""Objects of one shape after which the steps of the shape make them: these are put together in the time of some dozens of them."""
OFTEN = 1_000
"""Objects of one shape that the general function made, after which a function of their own is made: that takes as long as some hundreds."""
MOST = 1_000
"""Shapes that have a function of their own, for one class derivation."""
_MOST_MET = 20_000

DeriveObjects = Callable[[Sequence[SourceObject], SubjectLog], list[HubObject]]
Shape = tuple[str, ...]
"""The slots that a source object states, in its order."""


class DeriveByShape(dict[Shape, Derive]):
    """Shape -> the function that makes a hub object of source objects of this shape; the general one, until many were met."""

    def __init__(
        self, text: str, namespace: dict[str, Any], name: str, program: Callable[[Shape], RowProgram | None]
    ) -> None:
        """*text* is the text of the general function *name*, *namespace* its globals; *program* tells the steps of a shape."""
        super().__init__()
        self._text, self._namespace, self._name, self._program = text, namespace, name, program
        self._machine = extension("harmonize.profiles.row_machine")
        self._general: ast.FunctionDef | None = None
        self._met: dict[Shape, int] = {}

    def __missing__(self, shape: Shape) -> Derive:
        met = self._met.get(shape, 0) + 1
        if len(self) >= MOST:
            return self._general_function
        made = self._by_steps(self._folded_when_often(shape), shape) if met == SOME else None
        if made is None and met >= OFTEN:
            made = self._made(frozenset(shape))
        if made is not None:
            self[shape] = made
            return made
        if len(self._met) >= _MOST_MET:
            self._met.clear()
        self._met[shape] = met
        return self._general_function

    def objects(self, objects: Sequence[SourceObject], log: SubjectLog) -> list[HubObject]:
        """The hub objects of source objects, without those that hold nothing, each by the function of its shape."""
        return [made for source in objects if (made := self[tuple(source)](source, log)) is not None]

    def objects_function(self) -> DeriveObjects:
        """`objects`, or the machine that does the same."""
        made: DeriveObjects = self.objects if self._machine is None else self._machine.ObjectsMachine(self)
        return made

    @property
    def _general_function(self) -> Derive:
        general: Derive = self._namespace[self._name]
        return general

    def _by_steps(self, function: Derive, shape: Shape) -> Derive | None:
        """The steps of the shape, which leave to *function* what they give up; None where it has none, or no extension runs them."""
        steps = self._program(shape) if self._machine is not None else None
        if self._machine is None or steps is None:
            return None
        made: Derive = self._machine.ShapeMachine(steps, DerivedObject, Noted, function, len(shape))
        return made

    def _folded_when_often(self, shape: Shape) -> Derive:
        """The general function and, once it was called often, that of the shape."""
        function, called = self._general_function, 0

        def derive(source: SourceObject, log: SubjectLog) -> HubObject | None:
            nonlocal function, called
            called += 1
            if called == OFTEN:
                function = self._made(frozenset(shape))
            return function(source, log)

        return derive

    def _made(self, stated: frozenset[str]) -> Derive:
        if self._general is None:
            (general,) = ast.parse(self._text).body
            assert isinstance(general, ast.FunctionDef)
            self._general = general
        body = _Folding(stated, self._namespace).block(self._general.body, set())
        function = ast.FunctionDef(self._name, self._general.args, body, [])
        code = compile(
            ast.fix_missing_locations(ast.Module([function], [])), f"<{self._name} of {len(stated)} slots>", "exec"
        )
        made: dict[str, Derive] = {}
        exec(code, self._namespace, made)  # noqa: S102 - our own generated text
        return made[self._name]


class _Folding:
    """Leaves out of generated statements what is done with slots that are not *stated*."""

    def __init__(self, stated: frozenset[str], constants: Mapping[str, Any]) -> None:
        self.stated, self.constants = stated, constants

    def block(self, statements: Sequence[ast.stmt], nothing: set[str]) -> list[ast.stmt]:
        """The statements that are left. *nothing* holds the local variables that are None, before and then after them."""
        left: list[ast.stmt] = []
        for statement in statements:
            if isinstance(statement, ast.If):
                left += self._branches(statement, nothing)
            elif isinstance(statement, ast.Assign):
                left.append(self._assigned(statement, nothing))
            else:
                nothing -= _bound_in(statement)
                left.append(statement)
        return left

    def _branches(self, statement: ast.If, nothing: set[str]) -> list[ast.stmt]:
        test = self._test(statement.test, nothing)
        if isinstance(test, bool):
            return self.block(statement.body if test else statement.orelse, nothing)
        other = set(nothing)
        body, orelse = self.block(statement.body, nothing), self.block(statement.orelse, other)
        nothing &= other
        if not body and not orelse:
            return [ast.Expr(test)]
        return [ast.If(test, body or [ast.Pass()], orelse)]

    def _assigned(self, statement: ast.Assign, nothing: set[str]) -> ast.stmt:
        (target,) = statement.targets
        if not isinstance(target, ast.Name):
            return statement
        value = self._value(statement.value, nothing)
        if isinstance(value, ast.Constant) and value.value is None:
            nothing.add(target.id)
        else:
            nothing -= _bound_in(statement)
        return ast.Assign([target], value)

    def _value(self, value: ast.expr, nothing: set[str]) -> ast.expr:
        if isinstance(value, ast.IfExp):
            test = self._test(value.test, nothing)
            return self._value(value.body if test else value.orelse, nothing) if isinstance(test, bool) else value
        if isinstance(value, ast.Name) and value.id in nothing:
            return ast.Constant(None)
        return ast.Constant(None) if self._reads_nothing(value) else value

    def _reads_nothing(self, value: ast.expr) -> bool:
        """Whether *value* is `get('X')` of a slot that is not stated."""
        if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "get"):
            return False
        (slot,) = value.args
        return isinstance(slot, ast.Constant) and slot.value not in self.stated

    def _test(self, test: ast.expr, nothing: set[str]) -> ast.expr | bool:
        """What is left of a condition: True, False, or what is still to be asked."""
        if isinstance(test, ast.BoolOp):
            return self._parts(test, nothing)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self._test(test.operand, nothing)
            return not inner if isinstance(inner, bool) else test
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is | ast.IsNot):
            return self._compared(test, nothing)
        if isinstance(test, ast.Name) and test.id in nothing:
            return False
        if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "isdisjoint":
            (slots,) = test.args  # of `src.keys().isdisjoint(k7)`
            if isinstance(slots, ast.Name) and ast.unparse(test.func.value) == "src.keys()":
                return bool(self.stated.isdisjoint(self.constants[slots.id]))
        return test

    def _compared(self, test: ast.Compare, nothing: set[str]) -> ast.expr | bool:
        """`x is None`, `x is not None`, `x.__class__ is Noted` of a variable that is None."""
        (other,) = test.comparators
        if (
            isinstance(test.left, ast.Name)
            and test.left.id in nothing
            and isinstance(other, ast.Constant)
            and other.value is None
        ):
            return isinstance(test.ops[0], ast.Is)
        left = test.left.value if isinstance(test.left, ast.Attribute) and test.left.attr == "__class__" else None
        is_noted = isinstance(test.ops[0], ast.Is) and isinstance(other, ast.Name)
        return False if is_noted and isinstance(left, ast.Name) and left.id in nothing else test

    def _parts(self, test: ast.BoolOp, nothing: set[str]) -> ast.expr | bool:
        deciding = isinstance(test.op, ast.Or)
        left = []
        for part in test.values:
            known = self._test(part, nothing)
            if not isinstance(known, bool):
                left.append(known)
            elif known is deciding:
                if not left:
                    return deciding
                return test  # what stands before it may say something
        if not left:
            return not deciding
        return left[0] if len(left) == 1 else ast.BoolOp(test.op, left)


def _bound_in(statement: ast.stmt) -> set[str]:
    """The names that *statement* binds, in whatever way."""
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
