"""The claim of one item about the objects at one path of its class."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

from harmonize.datasets.conditions import Condition, Every
from harmonize.datasets.hub_paths import HubPath, Step
from harmonize.datasets.specification import Item, ValueSet
from harmonize.datasets.value_set_words import forms_of
from harmonize.exports.calendar_pattern import IS_DATE
from harmonize.exports.claims import (
    ALWAYS,
    NEVER,
    AtMost,
    Claim,
    CodeIs,
    IsFilled,
    IsOneOf,
    Matches,
    Some,
    SystemIs,
    each,
    either,
    every,
    implies,
    negated,
    some,
)
from harmonize.exports.condition_claims import (
    InexpressibleError,
    Known,
    asks_of,
    condition_claim,
    facts_of,
    split,
)

_HAS_CODE = Some("codings", True, ALWAYS)
_HAS_FLAVOR = Some("null_flavor", False, ALWAYS)
_HAS_TEXT = Some("text", False, IsFilled())


class Asked(NamedTuple):
    """An item with its conditions settled for one path, and whether it is demanded at the level."""

    item: Item
    values: ValueSet | None
    condition: Condition | None
    forbidden: Condition | None
    petal: Condition
    demanded: bool


def item_claim(asked: Asked, path: HubPath) -> Claim:
    """The claim about the record for the objects at *path*. Raises InexpressibleError."""
    parts = [asked.condition, asked.forbidden, asked.petal, *_wheres(path), *_wheres(*asked.item.slots)]
    whole = Every(tuple(part for part in parts if part is not None))
    far = [slot for slot in asked.item.slots if slot.from_record and path.steps]
    facts: dict[Hashable, Claim] = dict(facts_of(asks_of(whole, "record"), "Subject"))
    for slot in far:
        facts[slot, "given"] = given(slot, {})
        facts[slot, "legal"] = _all(slot.steps, _legal(asked, slot.range), {})
    holder = path.steps[-2].range if len(path.steps) > 1 else "Subject"
    above = facts_of(asks_of(whole, "holder"), holder)
    if above and not path.steps:
        raise InexpressibleError("the record has no holder")
    return split(facts, lambda known: _descend(path.steps, above, known, lambda k: _of_object(asked, path, k)))


def _wheres(*paths: HubPath) -> list[Condition]:
    return [step.where for path in paths for step in path.steps if step.where is not None]


def _descend(
    steps: tuple[Step, ...], above: Mapping[Hashable, Claim], known: Known, make: Callable[[Known], Claim]
) -> Claim:
    """What *make* gives for each object at the end of *steps*, where the facts *above* are asked of its holder."""
    if not steps:
        return make(known)
    last = steps[-1]
    claim = split(above, lambda more: _each(last, {**known, **more}, make({**known, **more})))
    for step in reversed(steps[:-1]):
        claim = _each(step, known, claim)
    return claim


def _of_object(asked: Asked, path: HubPath, known: Known) -> Claim:
    """The claim about one object of the class of the item."""
    item, class_name = asked.item, path.range
    values = every(_values(asked, slot, path, known) for slot in item.slots)
    somewhere = either(_is_given(slot, path, known) for slot in item.slots)
    holds = ALWAYS if asked.condition is None else condition_claim(asked.condition, class_name, known)
    forbidden = NEVER if asked.forbidden is None else condition_claim(asked.forbidden, class_name, known)
    parts = [implies(holds, values) if item.otherwise == "ignore" else values]
    parts.append(implies(forbidden, negated(somewhere)))
    if asked.demanded:
        in_use = condition_claim(asked.petal, class_name, known)
        parts.append(implies(every([in_use, holds, negated(forbidden)]), somewhere))
    return every(parts)


def _is_given(slot: HubPath, path: HubPath, known: Known) -> Claim:
    if slot.from_record and path.steps:
        return ALWAYS if known[slot, "given"] else NEVER
    return given(slot, known)


def _values(asked: Asked, slot: HubPath, path: HubPath, known: Known) -> Claim:
    """Every value is a legal one, and in one list there are not too many."""
    if slot.from_record and path.steps:
        return ALWAYS if known[slot, "legal"] else NEVER
    judged = _all(slot.steps, _legal(asked, slot.range), known)
    limit = asked.item.at_most
    if limit is None or not is_one_list(asked.item):
        return judged
    return every([judged, AtMost(slot.steps[0].slot, ALWAYS, limit)])


def is_one_list(item: Item) -> bool:
    """Whether the values of *item* stand in one list of the object."""
    return len(item.slots) == 1 and item.slots[0].is_plain and item.slots[0].steps[0].multivalued


def _legal(asked: Asked, range_name: str) -> Claim:
    match range_name:
        case "CodedValue":
            return _legal_code(asked)
        case "PartialDate":
            return IS_DATE
        case "string" if asked.item.pattern:
            return Matches(asked.item.pattern)
    return ALWAYS


def _legal_code(asked: Asked) -> Claim:
    """A code of the value set, a NullFlavor or a text where they are permitted; or nothing at all."""
    values = asked.values
    permitted: list[Claim] = [_HAS_CODE]
    if values is not None and not (forms := forms_of(values)).any_code:
        members: list[Claim] = [*([CodeIs(forms.listed)] if forms.listed else [])]
        members += [SystemIs(forms.systems)] if forms.systems else []
        members += [SystemIs(forms.patterned, forms.code_pattern)] if forms.patterned else []
        permitted = [Some("codings", True, either(members))]
    nothing: list[Claim] = [negated(_HAS_CODE), negated(_HAS_FLAVOR)]
    if asked.item.null_flavors:
        flavors = IsOneOf(tuple(sorted(asked.item.null_flavors)))
        permitted.append(every([negated(_HAS_CODE), Some("null_flavor", False, flavors)]))
    without_text: list[Claim] = [] if values is None or values.text else [negated(_HAS_TEXT)]
    return either([*permitted, every([*nothing, *without_text])])


def given(path: HubPath, known: Known) -> Claim:
    """Something stands at the end of *path*. Raises InexpressibleError."""
    claim = ALWAYS
    if path.range == "string":
        claim = IsFilled()
    elif path.range == "CodedValue":
        claim = either([_HAS_CODE, _HAS_FLAVOR, _HAS_TEXT])
    for step in reversed(path.steps):
        claim = some(step.slot, step.multivalued, every([_where(step, known), claim]))
    return claim


def _all(steps: tuple[Step, ...], claim: Claim, known: Known) -> Claim:
    """Everything at the end of *steps* fulfils *claim*."""
    for step in reversed(steps):
        claim = _each(step, known, claim)
    return claim


def _each(step: Step, known: Known, claim: Claim) -> Claim:
    return each(step.slot, step.multivalued, implies(_where(step, known), claim))


def _where(step: Step, known: Known) -> Claim:
    return ALWAYS if step.where is None else condition_claim(step.where, step.range, known)
