"""The globals of a plan's generated functions: constants, functions of the library and memos of these, each bound once under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harmonize.hub import VALUE_CLASSES
from harmonize.hub.objects import DerivedObject, is_stated
from harmonize.profiles.coded_values import Environment
from harmonize.profiles.functions import FUNCTIONS, MISSING_DATUM, library_function
from harmonize.profiles.memos import Memo, checked
from harmonize.profiles.notes import Noted
from harmonize.profiles.plan_words import INCOMPLETE, SECOND_CHOICE, UNDECIDED, UNKNOWN_VALUE, agrees

_OF_EVERY_PLAN = {
    "DerivedObject": DerivedObject,
    "Noted": Noted,
    "unknown_value": UNKNOWN_VALUE,
    "second_choice": SECOND_CHOICE,
    "agrees": agrees,
    "incomplete": INCOMPLETE,
    "undecided": UNDECIDED,
    "is_stated": is_stated,
    "missing_datum": MISSING_DATUM,
}
"""What the text of every plan names."""


class PlanNames:
    """Name -> value. Nothing that a profile says stands in the text itself, so that none of it is ever evaluated."""

    def __init__(self, environment: Environment, given: Mapping[str, Any]) -> None:
        """*given* are values that have their names already, beside those of every plan."""
        self.values: dict[str, Any] = {**_OF_EVERY_PLAN, **given}
        self._environment = environment
        self._constants: dict[type, list[tuple[str, Any]]] = {}
        """By type, for equal constants of two types are two; not all can be hashed."""
        self._memos: dict[tuple[str, type[Memo], tuple[Any, ...]], str] = {}

    def constant(self, value: Any) -> str:
        """The name of *value*."""
        known = self._constants.setdefault(type(value), [])
        for name, other in known:
            if other == value:
                return name
        name = f"k{len(self.values)}"
        self.values[name] = value
        known.append((name, value))
        return name

    def function(self, name: str) -> str:
        """The name of the function *name* of the library, whose values are checked by the hub's schema."""
        bound = f"f_{name}"
        if bound not in self.values:
            function, check = library_function(name, self._environment), self._environment.check_value
            makes_values = FUNCTIONS[name].result in VALUE_CLASSES
            self.values[bound] = checked(function, check) if check and makes_values else function
        return bound

    def memo(self, name: str, kind: type[Memo], constants: tuple[Any, ...]) -> str:
        """The name of a memo of the function *name* by those of its arguments that are texts.

        Records repeat their texts, and a dict answers fastest.
        """
        key = (name, kind, constants)
        if key not in self._memos:
            self._memos[key] = f"m{len(self._memos)}"
            function = library_function(name, self._environment)
            self.values[self._memos[key]] = kind(function, constants, self._environment.check_value)
        return self._memos[key]
