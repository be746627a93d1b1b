"""Conditions as Python expressions over `o` (the object), `h` (its holder), `r` (the record), `p` (petals in use), `via` (its slot)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harmonize.datasets.conditions import (
    AnyOf,
    ComesFrom,
    Compare,
    Condition,
    Either,
    Every,
    Filled,
    HasSystem,
    Not,
    Petal,
    SlotPath,
)
from harmonize.hub.objects import is_stated


def condition_code(condition: Condition, petals: Mapping[str, int]) -> str:
    """The Python expression for *condition*. Only slot names of the hub and constants stand in it.

    >>> from harmonize.datasets.conditions import parse_condition
    >>> condition_code(parse_condition("excluded == True", "Diagnosis"), {})
    "(o.get('excluded') in (True,))"
    """
    return _code(condition, petals, 0)


def _code(condition: Condition, petals: Mapping[str, int], depth: int) -> str:
    match condition:
        case Compare(path=path, values=constants, negated=negated):
            return (
                f"({'not ' * negated}{_compared(path, constants, depth)})"
                if negated
                else f"({_compared(path, constants, depth)})"
            )
        case Filled(path=path):
            return _filled(path, depth)
        case HasSystem(path=path, systems=systems):
            return f"has_system({_values(path, depth)}, {systems!r})"
        case AnyOf(path=path, condition=inner):
            outer, own = _object(depth), _object(depth + 1)
            code = _code(inner, petals, depth + 1)
            return f"any({code} for {own} in {_values(path, depth)} for {_holder(depth + 1)} in ({outer},))"
        case Petal(name=name):
            return f"p[{petals[name]}]"
        case ComesFrom(slots=slots):
            return f"(via in {slots!r})"
        case Not(condition=inner):
            return f"(not {_code(inner, petals, depth)})"
        case Every(conditions=several):
            return "(" + (" and ".join(_code(one, petals, depth) for one in several) or "True") + ")"
        case Either(conditions=several):
            return "(" + (" or ".join(_code(one, petals, depth) for one in several) or "False") + ")"


def _object(depth: int) -> str:
    return f"o{depth}" if depth else "o"


def _holder(depth: int) -> str:
    return f"h{depth}" if depth else "h"


def _base(path: SlotPath, depth: int) -> str:
    return {"object": _object(depth), "record": "r", "holder": _holder(depth)}[path.base]


def _values(path: SlotPath, depth: int) -> str:
    """The list of the values of a path; a single list of the object is taken as it is."""
    if len(path.slots) == 1 and path.multivalued:
        return f"({_base(path, depth)}.get({path.slots[0]!r}) or ())"
    return f"values({_base(path, depth)}, {path.slots!r})"


def _compared(path: SlotPath, constants: tuple[str | bool, ...], depth: int) -> str:
    if len(path.slots) > 1 or path.multivalued:
        return f"is_one_of({_values(path, depth)}, {constants!r})"
    value = f"{_base(path, depth)}.get({path.slots[0]!r})"
    return f"is_coded({value}, {constants!r})" if path.range == "CodedValue" else f"{value} in {constants!r}"


def _filled(path: SlotPath, depth: int) -> str:
    if len(path.slots) > 1 or (path.multivalued and path.range == "CodedValue"):
        return f"is_filled({_values(path, depth)})"
    value = f"{_base(path, depth)}.get({path.slots[0]!r})"
    if path.multivalued:
        return f"bool({value})"
    return f"is_stated({value})" if path.range == "CodedValue" else f"({value} is not None)"


def values(start: Any, slots: tuple[str, ...]) -> list[Any]:
    """Everything that stands at the end of *slots*, lists taken apart.

    >>> values({"a": [{"b": 1}, {"b": 2}, {}]}, ("a", "b"))
    [1, 2]
    """
    found = [start] if start is not None else []
    for slot in slots:
        following: list[Any] = []
        for holder in found:
            value = holder.get(slot)
            if isinstance(value, list):
                following += value
            elif value is not None:
                following.append(value)
        found = following
    return found


def is_coded(value: Any, constants: tuple[Any, ...]) -> bool:
    """Whether a code of *value*, or its NullFlavor, is among *constants*.

    >>> is_coded({"codings": [{"code": "HP:1"}]}, ("HP:1",)), is_coded({"null_flavor": "OTH"}, ("OTH",)), is_coded(None, ("OTH",))
    (True, True, False)
    """
    if value is None:
        return False
    for coding in value.get("codings", ()):
        if coding["code"] in constants:
            return True
    return "null_flavor" in value and value["null_flavor"] in constants


def is_one_of(found: list[Any], constants: tuple[Any, ...]) -> bool:
    """Whether one of the values, one of its codes, or its NullFlavor is among *constants*."""
    for value in found:
        if isinstance(value, dict):
            if is_coded(value, constants):
                return True
        elif value in constants and not (isinstance(value, int) and not isinstance(value, bool)):
            return True
    return False


def is_filled(found: list[Any]) -> bool:
    """Whether one of the values is there and is no NullFlavor."""
    return any(is_stated(value) for value in found)


def has_system(found: list[Any], systems: tuple[str, ...]) -> bool:
    """Whether one of the coded values has a code of one of *systems*."""
    return any(
        coding["code"].partition(":")[0] in systems
        for value in found
        if isinstance(value, dict)
        for coding in value.get("codings", ())
    )


CONDITION_FUNCTIONS: Mapping[str, Any] = {
    "values": values,
    "is_coded": is_coded,
    "is_one_of": is_one_of,
    "is_stated": is_stated,
    "is_filled": is_filled,
    "has_system": has_system,
}
"""What the expressions call."""
