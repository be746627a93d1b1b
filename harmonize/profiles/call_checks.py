"""What a map writes in its calls: names of systems, maps and functions, codes, choices; and whether the answer fits the hub slot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harmonize.errors import SpecificationError, UnknownNameError
from harmonize.hub import VALUE_CLASSES, Slot, hub_schema
from harmonize.profiles.coded_values import Environment
from harmonize.profiles.expressions import Call, Constant, Path
from harmonize.profiles.functions import FUNCTIONS, PLAIN_VALUES
from harmonize.profiles.specification import Profile, SlotDerivation
from harmonize.profiles.text_values import SEPARATORS
from harmonize.terminology.notation import NotACode

_TAKE_MAPS = frozenset(
    ("mapped", "mapped_if", "unit", "classified", "outcome_feature", "outcome_absent", "outcome_excluded")
)
_TAKE_SYSTEMS = frozenset(
    [
        "chosen",
        "chosen_if",
        "code",
        "code_on",
        "code_iri",
        "code_iri_if",
        "code_if_stated",
        "code_of_edition",
        "code_or_text",
        "known_or_text",
        "labelled_code",
        "map_code",
        "meaning",
        "meaning_or_text",
    ]
)
"""Functions whose texts in the map name code systems."""


class CallChecks:
    """Judges the calls of one map. All raise SpecificationError with file and line."""

    def __init__(self, profile: Profile, environment: Environment, wrong: Callable[..., SpecificationError]) -> None:
        self.systems, self.code_maps = environment.systems, environment.code_maps
        self.meanings = profile.source.meanings
        self._wrong = wrong

    def called_for_each(self, call: Call, slot: SlotDerivation) -> Call:
        """The call that `each` makes for every value: a function of one text, its other arguments written in the map."""
        written = [argument.value for argument in call.arguments[1:] if isinstance(argument, Constant)]
        if len(written) != len(call.arguments) - 1 or not isinstance(call.arguments[0], Path):
            raise self._wrong("each takes a slot, and texts that are written in the map", slot.line)
        separator, name = written[:2]
        if separator not in SEPARATORS:
            raise self._wrong(str(UnknownNameError("separator", str(separator), SEPARATORS)), slot.line)
        function = FUNCTIONS.get(str(name))
        allowed = [n for n, f in FUNCTIONS.items() if f.strict and f.result in PLAIN_VALUES and n != "map_code"]
        if function is None or name not in allowed:
            raise self._wrong(str(UnknownNameError("function for each", str(name), allowed)), slot.line)
        inner = Call(str(name), (call.arguments[0], *call.arguments[3:]))
        if not function.minimum <= len(inner.arguments) <= function.maximum:
            raise self._wrong(f"{name} takes {function.minimum} to {function.maximum} arguments", slot.line)
        return inner

    def names(self, call: Call, slot: SlotDerivation) -> None:
        """Names of code systems and code maps in constant arguments must exist."""
        if call.function == "each":
            self.names(self.called_for_each(call, slot), slot)
            return
        constants = self._names_in(call, slot)
        if call.function in _TAKE_SYSTEMS:
            known: Any = self.systems.notations
            kind = "code system"
        elif call.function in _TAKE_MAPS:
            known, kind = self.code_maps, "code map"
        else:
            return
        for value in constants:
            if value not in known:
                raise self._wrong(str(UnknownNameError(kind, str(value), known)), slot.line)

    def _names_in(self, call: Call, slot: SlotDerivation) -> list[str | int]:
        """The constant arguments of *call* that name code systems or code maps; what else is written in the map is judged."""
        constants = [a.value for a in call.arguments[1:] if isinstance(a, Constant)]
        if call.function == "map_code":
            self._stated_code(call, slot)
        if call.function == "code_if_stated":
            self._stated_code(Call("map_code", call.arguments[1:]), slot)
            constants = constants[1:]
        if call.function == "code_of_edition":
            constants = [str(value).partition("=")[2].partition(" ")[0] for value in constants]
        if call.function in ("chosen", "chosen_if"):
            self._choices(constants, slot)
            constants = constants[:1]
        if call.function == "code_on":
            if not isinstance(call.arguments[1], Constant):
                raise self._wrong("code_on takes a code system that is written in the map", slot.line)
            constants = constants[:1]
        if call.function in ("known_or_text", "meaning", "meaning_or_text"):
            if constants[:1] and constants[0] and constants[0] not in self.meanings:
                error = UnknownNameError("enumeration with meanings", str(constants[0]), self.meanings)
                raise self._wrong(str(error), slot.line)
            constants = constants[1:]
        return constants

    def _stated_code(self, call: Call, slot: SlotDerivation) -> None:
        """`map_code('CODE', 'SYSTEM')` states a code of the system."""
        code, system = (node.value if isinstance(node, Constant) else None for node in call.arguments)
        if not isinstance(code, str) or not isinstance(system, str):
            raise self._wrong("map_code takes a code and a system, both written in the map", slot.line)
        parsed = self.systems.parse(code, system) if system in self.systems.notations else None
        if isinstance(parsed, NotACode):
            raise self._wrong(f"map_code: {code!r} is no code of {system}", slot.line, "correct the code")

    def _choices(self, constants: list[str | int], slot: SlotDerivation) -> None:
        """Every choice of `chosen` is written `choice=CODE`, and the code is one of the system."""
        for pair in constants[1:]:
            choice, mark, code = str(pair).partition("=")
            if not (choice and mark and code):
                raise self._wrong(f"{pair!r} is no choice", slot.line, "write 'choice=CODE'")
            parsed = self.systems.parse(code, str(constants[0])) if constants[0] in self.systems.notations else None
            if isinstance(parsed, NotACode):
                raise self._wrong(f"chosen: {code!r} is no code of {constants[0]}", slot.line, "correct the code")

    def result(self, call: Call, hub_slot: Slot, slot: SlotDerivation) -> None:
        """What *call* gives must be what the hub slot takes."""
        if hub_slot.multivalued != (call.function in ("listed", "each")):
            fix = "write listed(...) or each(...)" if hub_slot.multivalued else f"leave {call.function}(...) out"
            raise self._wrong(
                f"slot {slot.slot} takes {'several values' if hub_slot.multivalued else 'one value'}", slot.line, fix
            )
        if call.function == "each":
            self._range(self.called_for_each(call, slot), hub_slot, slot)
            return
        if call.function in ("first", "listed"):
            for argument in call.arguments:
                if isinstance(argument, Call):
                    self._range(argument, hub_slot, slot)
            return
        self._range(call, hub_slot, slot)

    def _range(self, call: Call, hub_slot: Slot, slot: SlotDerivation) -> None:
        result = FUNCTIONS[call.function].result
        is_enum = hub_slot.range in hub_schema().enums
        if call.function == "choice":
            self._values(call, hub_slot, slot)
        fits = result in ("any", hub_slot.range) or (is_enum and result == "string")
        if not fits or (hub_slot.range in hub_schema().classes and hub_slot.range not in VALUE_CLASSES):
            raise self._wrong(f"slot {slot.slot} takes {hub_slot.range}, {call.function} gives {result}", slot.line)

    def _values(self, call: Call, hub_slot: Slot, slot: SlotDerivation) -> None:
        """Every choice of `choice` is written `choice=value`, and the value is one that the hub slot takes."""
        for argument in call.arguments[1:]:
            pair = str(argument.value) if isinstance(argument, Constant) else ""
            text, mark, value = pair.partition("=")
            if not (text and mark and value):
                raise self._wrong(f"{pair!r} is no choice", slot.line, "write 'choice=value'")
            self.literal(hub_slot, value, slot)

    def literal(self, hub_slot: Slot, value: str, slot: SlotDerivation) -> str | bool:
        """A text of the map as a value of the hub slot: one of its enumeration, true or false, or the text."""
        if hub_slot.range == "boolean" and value in ("true", "false"):
            return value == "true"
        enum = hub_schema().enums.get(hub_slot.range)
        if enum is not None and value not in enum:
            raise self._wrong(str(UnknownNameError(f"value of {hub_slot.range}", value, enum)), slot.line)
        if enum is None and hub_slot.range != "string":
            raise self._wrong(f"slot {slot.slot} takes {hub_slot.range}, not a text", slot.line)
        return value
