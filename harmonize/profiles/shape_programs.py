"""The steps that make a hub object of a source object, by the slots that the source object states.

A program says the same as the function of its shape (`stated_shapes`), as far as nothing is to be said but that values made nothing.
What needs another word, the function makes. Objects of lists inside of an object come last, when nothing can be given up any more:
what is said of them is said once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from harmonize.hub import Slot, hub_schema
from harmonize.profiles.expressions import Call, Constant, Expression, Path, paths_of
from harmonize.profiles.notes import Feed
from harmonize.profiles.row_programs import Bindings, Kind, NoStep, ProgramBuilder, RowProgram, Step
from harmonize.profiles.specification import ClassDerivation, SlotDerivation


class ObjectBindings(Bindings, Protocol):
    """What a compiler has bound for the functions of source objects."""

    def bound_feed(self, name: str, slot: str) -> Feed:
        """The feed of a slot of a derivation."""
        ...

    def bound_objects(self, slot: SlotDerivation) -> Callable[..., Any]:
        """What makes a list of hub objects of the source objects that *slot* is populated from."""
        ...


def shape_program(
    derivation: ClassDerivation, name: str, shape: tuple[str, ...], missing: frozenset[str], bindings: ObjectBindings
) -> RowProgram | None:
    """The program of a derivation (compiled as *name*) for source objects that state the slots *shape*; None where a slot has no step.

    The registers behind the first two hold what the source object states, in the order of *shape*.
    """
    return _OfShape(shape, missing, bindings).program(derivation, name)


class _OfShape(ProgramBuilder):
    """Of source objects that state the same slots."""

    def __init__(self, shape: tuple[str, ...], missing: frozenset[str], bindings: ObjectBindings) -> None:
        super().__init__(missing, bindings)
        self.of_objects = bindings
        self._read = {(slot,): self._register() for slot in shape}
        self._lists: list[Step] = []

    def program(self, derivation: ClassDerivation, name: str) -> RowProgram | None:
        """The program; lists of objects follow upon all that may give up, and constants upon them."""
        made = super().program(derivation, name)
        if made is None or not self._lists:
            return made
        constants = [step for step in made.steps if step.kind is Kind.CONSTANT]
        others = [step for step in made.steps if step.kind is not Kind.CONSTANT]
        others = [step._replace(b=1) if step.kind is Kind.REQUIRED else step for step in others]
        return made._replace(steps=(*others, *self._lists, *constants))

    def _slot(self, slot: SlotDerivation, hub_slot: Slot, name: str, target: int) -> None:
        if slot.populated_from is None or hub_slot.range not in hub_schema().classes:
            if self._lists:
                raise NoStep  # slots are put in their order
            super()._slot(slot, hub_slot, name, target)
            return
        if not hub_slot.multivalued or target != 0:
            raise NoStep
        register = self._path(slot.populated_from)
        if register != self._absent:
            make = self.of_objects.bound_objects(slot)
            self._lists.append(Step(Kind.OBJECTS, a=target, b=register, x=slot.slot, y=make))

    def _expression(self, slot: SlotDerivation, expression: Expression, name: str, target: int) -> None:
        if any(len(path.names) > 1 for path in paths_of(expression)) and not _is_simple(expression):
            raise NoStep  # the function may ask for the slot on the way only
        super()._expression(slot, expression, name, target)

    def _missed(self, slot: SlotDerivation, name: str) -> tuple[Any, ...] | None:
        if slot.slot == "excluded" or slot.expression is None:
            return None
        paths = tuple(dict.fromkeys(path.names for path in paths_of(slot.expression)))
        return self.of_objects.bound_feed(name, slot.slot), paths

    def _path(self, path: tuple[str, ...]) -> int:
        if path not in self._read:
            holder = self._path(path[:-1]) if len(path) > 1 else self._absent
            self._read[path] = register = self._absent if holder == self._absent else self._register()
            if register != self._absent:
                self.steps.append(Step(Kind.INNER, a=register, b=holder, x=path[-1]))
        return self._read[path]


def _is_simple(expression: Expression) -> bool:
    """Whether *expression* is a call of texts."""
    return isinstance(expression, Call) and all(isinstance(node, Path | Constant) for node in expression.arguments)
