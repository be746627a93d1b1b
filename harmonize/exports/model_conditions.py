"""Conditions as Python over the fields of one generated model, where they ask of nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from harmonize.datasets.conditions import Compare, Condition, Either, Every, Filled, HasSystem, Not, SlotPath


class OutOfReachError(Exception):
    """The condition asks of what is no field of the model."""


def model_condition(condition: Condition, fields: Mapping[str, str]) -> str:
    """The expression over `self`. *fields*: hub slot -> field. Raises OutOfReachError.

    >>> from harmonize.datasets.conditions import parse_condition
    >>> model_condition(parse_condition("type == 'OTH' and filled(start_date)", "Treatment"), {"type": "type", "start_date": "start"})
    "(_is_one_of(self.type, ('OTH',)) and _filled(self.start))"
    """
    match condition:
        case Every(conditions=several) if several:
            return "(" + " and ".join(model_condition(part, fields) for part in several) + ")"
        case Either(conditions=several):
            return "(" + " or ".join(model_condition(part, fields) for part in several) + ")" if several else "False"
        case Not(condition=inner):
            return f"(not {model_condition(inner, fields)})"
        case Compare(path=path, values=values, negated=negated):
            return f"{'not ' * negated}_is_one_of(self.{_field(path, fields)}, {values!r})"
        case Filled(path=path):
            return f"_filled(self.{_field(path, fields)})"
        case HasSystem(path=path, systems=systems):
            return f"_has_system(self.{_field(path, fields)}, {systems!r})"
    raise OutOfReachError


def _field(path: SlotPath, fields: Mapping[str, str]) -> str:
    if path.base != "object" or len(path.slots) != 1 or path.slots[0] not in fields:
        raise OutOfReachError
    return fields[path.slots[0]]
