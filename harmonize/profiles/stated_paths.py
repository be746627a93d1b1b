"""Which paths of the source a derivation reads, and which of them must be stated for an expression to know anything."""

from __future__ import annotations

from harmonize.profiles.expressions import Call, Expression, Path, paths_of
from harmonize.profiles.functions import FUNCTIONS
from harmonize.profiles.specification import ClassDerivation


def paths_of_derivation(derivation: ClassDerivation) -> list[tuple[str, ...]]:
    """The paths that the slots of *derivation* read, each once."""
    found: list[tuple[str, ...]] = []
    for slot in derivation.slots:
        found += [slot.populated_from] if slot.populated_from else []
        found += [path.names for path in paths_of(slot.expression)] if slot.expression is not None else []
    return list(dict.fromkeys(found))


def leading_paths(expression: Expression) -> tuple[tuple[str, ...], ...] | None:
    """The paths of which one must be stated for *expression* to know anything; None where it may know something without."""
    if isinstance(expression, Path):
        return (expression.names,)
    function = FUNCTIONS.get(expression.function) if isinstance(expression, Call) else None
    if function is None or not isinstance(expression, Call):
        return None
    if expression.function != "first" and not function.strict:
        return None
    asked = expression.arguments if expression.function == "first" else expression.arguments[:1]
    found = [leading_paths(argument) for argument in asked]
    return tuple(dict.fromkeys(path for paths in found for path in paths or ())) if all(found) else None


def is_flat(derivation: ClassDerivation) -> bool:
    """Whether an object is filled from texts alone, and by no slot that can end its making early."""
    return all(slot.value is None and not slot.nested and slot.slot != "excluded" for slot in derivation.slots)
