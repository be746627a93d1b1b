"""The steps that make a hub object of a row, for the machine that runs them without the interpreter.

A program says the same as the function that the compiler generates for the rows of a table, as far as nothing is to be said of
a row: a missing code, a text that nobody can read, a second choice. Such a row the function makes, so what is not here is
never lost, only slower. A derivation with a slot of a kind that has no step has no program. `shape_programs` makes programs for
source objects, with the same steps and a few more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

from harmonize.hub import Slot, hub_schema
from harmonize.profiles.expressions import Call, Constant, Expression, Path, paths_of
from harmonize.profiles.functions import FUNCTIONS
from harmonize.profiles.memos import Memo, memo_of
from harmonize.profiles.row_layout import RowLayout
from harmonize.profiles.specification import ClassDerivation, SlotDerivation


class Kind(IntEnum):
    """What a step does. `row_machine.pyx` has the same numbers."""

    CELL = 0
    """Register a: the cell b; None where it is among the texts x, or where it is empty if x is None; given up where it is among y."""
    TAKE = 1
    """Slot x of object a: the answer of the memo y to register b, where that is known; missed where there is none."""
    MEMO = 2
    """Register a: the answer of the memo x to register b, if some register is known or none is named."""
    MEMO_OF_SEVERAL = 3
    """Register a: the answer of the memo x to the registers y, if some register is known or none is named."""
    CALL = 4
    """Register a: what the function x makes of the registers y, if some register is known or none is named."""
    LIST = 5
    """Register a: those of the registers that are known, as a list; None where none is."""
    FIRST = 6
    """Register a: the first one of the registers that is known; given up where another one says something else."""
    PUT = 7
    """Slot x of object a: register b; missed where it is None and some register is known."""
    PUT_MAPPED = 8
    """Slot x of object a: what the mapping y has for register b; given up where it has nothing."""
    MISSING = 9
    """Given up where register b is among the texts x, which say why there is no value."""
    BEGIN = 10
    """Object a, of the lineage x; where no register is known, on with step b."""
    END = 11
    """Slot x of object b: object a; given up where it holds something and not all of the slots y."""
    CONSTANT = 12
    """Slot x of object a, if that holds something: y."""
    REQUIRED = 13
    """Given up where object a holds something, or b is not 0, and not all of the slots x."""
    INNER = 14
    """Register a: what the source object in register b states in its slot x; None where it does not, or there is none."""
    OBJECTS = 15
    """Slot x of object a: what the function y makes of the source objects in register b, where it makes one."""


class Step(NamedTuple):
    """One step: what it does, its two numbers, what it is bound to, and the registers that it asks or reads."""

    kind: Kind
    a: int = 0
    b: int = 0
    x: Any = None
    y: Any = None
    registers: tuple[int, ...] = ()
    missed: tuple[Any, ...] | None = None
    """Feed and paths that are noted where values make nothing; None: the object is given up."""


class RowProgram(NamedTuple):
    """Steps, and what the registers hold before the first one; register 0 is the object that is made, register 1 never holds anything."""

    steps: tuple[Step, ...]
    registers: tuple[Any, ...]
    lineage: Any


class Bindings(Protocol):
    """What a compiler has bound for the generated functions, which the steps are bound to as well."""

    def bound_memo(self, name: str, kind: type[Memo], constants: tuple[Any, ...]) -> Memo:
        """The memo of a function of the library."""
        ...

    def bound_function(self, name: str) -> Callable[..., Any]:
        """The function of the library."""
        ...

    def bound_lineage(self, name: str) -> Any:
        """The lineage of a derivation."""
        ...

    def literal_of(self, slot: Slot, value: Any, stated: SlotDerivation) -> Any:
        """What a text of the map is in a slot of the hub."""
        ...

    def required_of(self, derivation: ClassDerivation) -> Sequence[str]:
        """The slots without which an object is none."""
        ...


class NoStep(Exception):  # noqa: N818 - an answer, not an error
    """A slot is of a kind that has no step."""


def row_program(
    derivation: ClassDerivation, name: str, layout: RowLayout, missing: frozenset[str], bindings: Bindings
) -> RowProgram | None:
    """The program of a derivation (compiled as *name*) for rows of a table; None where some slot has no step."""
    return _OfRows(layout, missing, bindings).program(derivation, name)


class ProgramBuilder(ABC):
    """The state of one program: its steps, its registers, and the paths that are read."""

    def __init__(self, missing: frozenset[str], bindings: Bindings) -> None:
        self.missing, self.bindings = missing, bindings
        self.steps: list[Step] = []
        self.registers: list[Any] = [None]
        self._absent = self._register()
        """The register that holds nothing in any row: of columns that the table does not have, and of what is made of them alone."""
        self._read: dict[tuple[str, ...], int] = {}

    def program(self, derivation: ClassDerivation, name: str) -> RowProgram | None:
        """The program of a derivation (compiled as *name*); None where some slot has no step."""
        try:
            self.fill(derivation, name, 0)
        except NoStep:
            return None
        required = tuple(self.bindings.required_of(derivation))
        if required:
            self.steps.append(Step(Kind.REQUIRED, a=0, x=required))
        return RowProgram(tuple(self.steps), tuple(self.registers), self.bindings.bound_lineage(name))

    def fill(self, derivation: ClassDerivation, name: str, target: int) -> None:
        """The steps that fill the object in register *target*, in the order in which the function fills it."""
        hub_slots = hub_schema().classes[derivation.hub_class]
        constants: list[Step] = []
        for slot in derivation.slots:
            if slot.value is not None:
                literal = self.bindings.literal_of(hub_slots[slot.slot], slot.value, slot)
                constants.append(Step(Kind.CONSTANT, a=target, x=slot.slot, y=literal))
                continue
            self._slot(slot, hub_slots[slot.slot], name, target)
        self.steps += constants

    def _slot(self, slot: SlotDerivation, hub_slot: Slot, name: str, target: int) -> None:
        """The steps of one slot. A text that makes nothing is always given up, `excluded` that cannot be read among them."""
        if slot.nested:
            self._nested(slot, hub_slot, name, target)
            return
        if slot.expression is not None:
            self._expression(slot, slot.expression, name, target)
            return
        assert slot.populated_from is not None
        register = self._path(slot.populated_from)
        if register == self._absent:
            return
        if self.missing:
            self.steps.append(Step(Kind.MISSING, b=register, x=self.missing))
        if slot.value_mappings is None:
            self.steps.append(Step(Kind.PUT, a=target, b=register, x=slot.slot))
        else:
            mapping = {k: self.bindings.literal_of(hub_slot, to, slot) for k, to in slot.value_mappings.items()}
            self.steps.append(Step(Kind.PUT_MAPPED, a=target, b=register, x=slot.slot, y=mapping))

    def _nested(self, slot: SlotDerivation, hub_slot: Slot, name: str, target: int) -> None:
        """A single object of the same row, where one of its values is there."""
        if hub_slot.multivalued or len(slot.nested) != 1:
            raise NoStep
        inner = slot.nested[0]
        if any(s.value is not None or s.nested or s.slot == "excluded" for s in inner.slots):
            raise NoStep
        known = self._present(self._path(path) for s in inner.slots for path in _paths_of(s))
        if not known:
            return
        inner_name, made = f"{name}_{slot.slot}_0", self._register()
        begin = len(self.steps)
        self.steps.append(Step(Kind.BEGIN))
        self.fill(inner, inner_name, made)
        required = tuple(self.bindings.required_of(inner))
        self.steps.append(Step(Kind.END, a=made, b=target, x=slot.slot, y=required))
        lineage = self.bindings.bound_lineage(inner_name)
        self.steps[begin] = Step(Kind.BEGIN, a=made, b=len(self.steps), x=lineage, registers=known)

    def _expression(self, slot: SlotDerivation, expression: Expression, name: str, target: int) -> None:
        if not isinstance(expression, Call):
            raise NoStep
        paths = self._present(self._path(path.names) for path in paths_of(expression))
        alone = all(isinstance(argument, Path | Constant) for argument in expression.arguments)
        if alone and not paths and paths_of(expression):
            return  # it is never asked
        result = self._call(expression, paths if alone else ())
        missed = self._missed(slot, name)
        last = self.steps[-1] if self.steps else None
        if last and last.kind is Kind.MEMO and last.a == result and last.registers == paths == (last.b,):
            self.steps[-1] = Step(Kind.TAKE, target, last.b, slot.slot, last.x, missed=missed)
        elif paths or result != self._absent:
            self.steps.append(Step(Kind.PUT, target, result, slot.slot, registers=paths, missed=missed))

    def _missed(self, slot: SlotDerivation, name: str) -> tuple[Any, ...] | None:
        """What is noted where the values of *slot*, in the derivation *name*, make nothing; None: a row is given up."""
        return None

    def _present(self, registers: Iterable[int]) -> tuple[int, ...]:
        """Those of *registers* that may hold something, each once."""
        return tuple(dict.fromkeys(register for register in registers if register != self._absent))

    def _call(self, call: Call, asked: tuple[int, ...]) -> int:
        """The steps of a call, its arguments first; the register of its answer. It is made if one of *asked* is known, or always."""
        if call.function in ("first", "listed"):
            return self._chosen(call.function, self._present(self._argument(node) for node in call.arguments))
        function = FUNCTIONS[call.function]
        kept = memo_of(call) if function.pure else None
        arguments = tuple(self._argument(node) for node in call.arguments if kept is None or isinstance(node, Path))
        if function.strict and not isinstance(call.arguments[0], Constant):
            asked = arguments[:1]
            if not self._present(asked):
                return self._absent
        result = self._register()
        if kept is None:
            bound = self.bindings.bound_function(call.function)
            self.steps.append(Step(Kind.CALL, a=result, x=bound, y=arguments, registers=asked))
            return result
        memo = self.bindings.bound_memo(call.function, *kept)
        if kept[0] is Memo:
            self.steps.append(Step(Kind.MEMO, a=result, b=arguments[0], x=memo, registers=asked))
        else:
            self.steps.append(Step(Kind.MEMO_OF_SEVERAL, a=result, x=memo, y=arguments, registers=asked))
        return result

    def _chosen(self, function: str, arguments: tuple[int, ...]) -> int:
        """The register of what `first` or `listed` makes of its *arguments*, without those that never hold anything."""
        if not arguments:
            return self._absent
        if function == "first" and len(arguments) == 1:
            return arguments[0]
        result = self._register()
        kind = Kind.FIRST if function == "first" else Kind.LIST
        self.steps.append(Step(kind, a=result, registers=arguments))
        return result

    def _argument(self, node: Expression) -> int:
        if isinstance(node, Constant):
            self.registers.append(node.value)
            return len(self.registers) - 1
        return self._path(node.names) if isinstance(node, Path) else self._call(node, ())

    @abstractmethod
    def _path(self, path: tuple[str, ...]) -> int:
        """The register of what stands at a path, which is read where it is met first."""

    def _register(self) -> int:
        self.registers.append(None)
        return len(self.registers) - 1


class _OfRows(ProgramBuilder):
    """Of the rows of a table, whose cells are read by index."""

    def __init__(self, layout: RowLayout, missing: frozenset[str], bindings: Bindings) -> None:
        super().__init__(missing, bindings)
        self.layout = layout

    def _path(self, path: tuple[str, ...]) -> int:
        if path not in self._read:
            place = self.layout.places.get(path[0])
            self._read[path] = register = self._absent if place is None else self._register()
            if place is not None:
                blank = None if place.blank == {""} else frozenset(place.blank)
                says_nothing = place.says_nothing or None
                self.steps.append(Step(Kind.CELL, a=register, b=place.index, x=blank, y=says_nothing))
        return self._read[path]


def _paths_of(slot: SlotDerivation) -> list[tuple[str, ...]]:
    expression = [path.names for path in paths_of(slot.expression)] if slot.expression is not None else []
    return [*([slot.populated_from] if slot.populated_from else []), *expression]
