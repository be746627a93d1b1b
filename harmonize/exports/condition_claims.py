"""Conditions of data sets as claims.

A condition may look up, to the record or to the holder of its object; a claim looks down only. So what it asks of the record
or the holder is settled there: both cases are written, each with what follows below.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from itertools import product

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
from harmonize.exports.claims import (
    ALWAYS,
    NEVER,
    Claim,
    CodeIs,
    IsOneOf,
    Some,
    SystemIs,
    either,
    every,
    implies,
    negated,
    some,
)
from harmonize.hub import hub_schema

Known = Mapping[Hashable, bool]
"""What was settled further up: parts of conditions, and whether a path from the record is given and legal."""
_TRUE, _FALSE = Every(()), Either(())
_MOST_SPLITS = 8
_Atom = Compare | Filled | HasSystem | AnyOf


class InexpressibleError(Exception):
    """A condition that claims cannot say; the text is the reason."""


def settle(condition: Condition, slot: str, petals: Mapping[str, Condition]) -> Condition:
    """*condition* without `comes_from` (the object stands in *slot*) and `petal` (*petals*: how a record shows it)."""
    match condition:
        case ComesFrom(slots=slots):
            return _TRUE if slot in slots else _FALSE
        case Petal(name=name):
            return petals[name]
        case Not(condition=inner):
            return Not(settle(inner, slot, petals))
        case Every(conditions=several):
            return Every(tuple(settle(part, slot, petals) for part in several))
        case Either(conditions=several):
            return Either(tuple(settle(part, slot, petals) for part in several))
        case AnyOf(path=path, condition=inner):
            return AnyOf(path, settle(inner, slot, petals))
    return condition


def of_the_record(condition: Condition) -> Condition:
    """A condition over the record as one that any object below may ask."""
    match condition:
        case Not(condition=inner):
            return Not(of_the_record(inner))
        case Every(conditions=several):
            return Every(tuple(map(of_the_record, several)))
        case Either(conditions=several):
            return Either(tuple(map(of_the_record, several)))
        case Compare() | Filled() | HasSystem() | AnyOf():
            return replace(condition, path=replace(condition.path, base="record"))
    return condition


def asks_of(condition: Condition, base: str) -> tuple[_Atom, ...]:
    """The parts of *condition* that are about the `record` or the `holder`, in order, each once."""
    return tuple(dict.fromkeys(_asks(condition, base)))


def _asks(condition: Condition, base: str) -> Iterable[_Atom]:
    match condition:
        case Not(condition=inner):
            yield from _asks(inner, base)
        case Every(conditions=several) | Either(conditions=several):
            for part in several:
                yield from _asks(part, base)
        case Compare() | Filled() | HasSystem() | AnyOf() if condition.path.base == base:
            yield condition
        case AnyOf(condition=inner) if base == "record":  # in a list `holder` is the object that has the list
            yield from _asks(inner, base)


def facts_of(asked: Iterable[_Atom], class_name: str) -> dict[Hashable, Claim]:
    """What is *asked* of an object of *class_name*, as claims about it. Raises InexpressibleError."""
    return {atom: _fact(atom, class_name) for atom in asked}


def split(facts: Mapping[Hashable, Claim], make: Callable[[Known], Claim]) -> Claim:
    """What *make* gives for each way in which the *facts* about the object at hand can be."""
    if len(facts) > _MOST_SPLITS:
        raise InexpressibleError(f"it asks more than {_MOST_SPLITS} things of the objects above")
    return _decided(list(facts.items()), {}, make)


def _decided(facts: list[tuple[Hashable, Claim]], known: Known, make: Callable[[Known], Claim]) -> Claim:
    if not facts:
        return make(known)
    (key, fact), *rest = facts
    where_true = _decided(rest, {**known, key: True}, make)
    where_false = _decided(rest, {**known, key: False}, make)
    if where_true == where_false:
        return where_true
    return every([implies(fact, where_true), implies(negated(fact), where_false)])


def _fact(atom: _Atom, class_name: str) -> Claim:
    if isinstance(atom, AnyOf) and (asks_of(atom.condition, "record") or asks_of(atom.condition, "holder")):
        raise InexpressibleError("it looks up from inside of a list that stands further up")
    return condition_claim(replace(atom, path=replace(atom.path, base="object")), class_name, {})


def condition_claim(condition: Condition, class_name: str, known: Known) -> Claim:
    """*condition* as a claim about an object of *class_name*. Raises InexpressibleError."""
    match condition:
        case Every(conditions=several):
            return every(condition_claim(part, class_name, known) for part in several)
        case Either(conditions=several):
            return either(condition_claim(part, class_name, known) for part in several)
        case Not(condition=inner):
            return negated(condition_claim(inner, class_name, known))
        case Compare() | Filled() | HasSystem() | AnyOf() if condition.path.base != "object":
            if condition not in known:
                raise InexpressibleError(f"it asks of the {condition.path.base} where that is not in reach")
            return ALWAYS if known[condition] else NEVER
        case Compare(path=path, values=values, negated=is_negated):
            claim = _at(path, class_name, equals(path.range, values))
            return negated(claim) if is_negated else claim
        case Filled(path=path):
            return _at(path, class_name, stated(path.range))
        case HasSystem(path=path, systems=systems):
            return _at(path, class_name, Some("codings", True, SystemIs(systems)))
        case AnyOf():
            return _any_of(condition, class_name, known)
    raise InexpressibleError(f"{type(condition).__name__} is not settled")


def _any_of(condition: AnyOf, class_name: str, known: Known) -> Claim:
    asked = asks_of(condition.condition, "holder")  # in a list `holder` is the object that has the list
    facts = facts_of(asked, class_name)
    above = {key: answer for key, answer in known.items() if key not in facts}
    cases = []
    for answers in product((True, False), repeat=len(facts)):
        here = dict(zip(facts, answers, strict=True))
        inner = condition_claim(condition.condition, condition.path.range, {**above, **here})
        when = every(facts[key] if answer else negated(facts[key]) for key, answer in here.items())
        cases.append(every([when, _at(condition.path, class_name, inner)]))
    return either(cases)


def _at(path: SlotPath, class_name: str, claim: Claim) -> Claim:
    """Something at *path* fulfils *claim*."""
    slots = []
    for name in path.slots:
        slot = hub_schema().classes[class_name][name]
        slots.append((name, slot.multivalued))
        class_name = slot.range
    for name, multivalued in reversed(slots):
        claim = some(name, multivalued, claim)
    return claim


def stated(range_name: str) -> Claim:
    """The value is more than the reason why nothing is known."""
    if range_name != "CodedValue":
        return ALWAYS
    return either([Some("codings", True, ALWAYS), negated(Some("null_flavor", False, ALWAYS))])


def equals(range_name: str, values: tuple[str | bool, ...]) -> Claim:
    """The value is one of *values*; a coded value is each of its codes and its NullFlavor."""
    if range_name == "CodedValue":
        texts = tuple(str(value) for value in values)
        codes = tuple(text for text in texts if ":" in text)
        flavors = tuple(text for text in texts if text in hub_schema().enums["NullFlavor"])
        coded = [Some("codings", True, CodeIs(codes))] if codes else []
        return either([*coded, *([Some("null_flavor", False, IsOneOf(flavors))] if flavors else [])])
    if range_name in hub_schema().classes:
        raise InexpressibleError(f"it compares objects of {range_name}")
    return IsOneOf(values)
