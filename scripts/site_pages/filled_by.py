"""Which profiles fill a hub path, and from which fields of their sources: read off the derivations, no record is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from harmonize.datasets.conditions import AnyOf, Compare, Condition, Either, Every, Filled, HasSystem
from harmonize.datasets.hub_paths import HubPath, Step
from harmonize.datasets.specification import DatasetClass, Item
from harmonize.profiles.expressions import paths_of
from harmonize.profiles.loading import load_profile
from harmonize.profiles.specification import ClassDerivation, Profile, SlotDerivation
from harmonize.profiles.specification_files import profile_ids


@cache
def profiles() -> tuple[Profile, ...]:
    """All profiles that ship."""
    return tuple(load_profile(name) for name in profile_ids())


def fields_of(item: Item, owner: DatasetClass) -> dict[str, list[str]]:
    """Profile id -> fields of its source that reach the item, `Class.field`; profiles that do not reach it are left out."""
    found = {}
    for profile in profiles():
        fields = {field for path in item.slots for field in _reached(profile, item, owner, path)}
        if fields:
            found[profile.id] = sorted(fields)
    return found


def profiles_of_slot(hub_class: str, slot: str) -> list[str]:
    """The profiles that make objects of a hub class with this slot."""
    return [profile.id for profile in profiles() if (hub_class, slot) in _slots(profile.id)]


@cache
def _slots(profile_id: str) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    waiting = list(load_profile(profile_id).derivations)
    while waiting:
        derivation = waiting.pop()
        for slot in derivation.slots:
            found.add((derivation.hub_class, slot.slot))
            waiting += slot.nested
    return frozenset(found)


def _reached(profile: Profile, item: Item, owner: DatasetClass, path: HubPath) -> Iterator[str]:
    for root in profile.derivations:
        if root.hub_class != "Subject":
            continue
        if path.from_record:
            yield from _fields(profile, root, path.steps)
            continue
        for start in owner.paths:
            for made in _objects(profile, root, start.steps):
                if item.otherwise != "ignore" or item.condition is None or _may_hold(item.condition, made):
                    yield from _fields(profile, made, path.steps)


def _objects(profile: Profile, derivation: ClassDerivation, steps: Sequence[Step]) -> Iterator[ClassDerivation]:
    """The derivations of the objects at the end of *steps*."""
    if not steps:
        yield derivation
        return
    for slot in derivation.slots:
        if slot.slot == steps[0].slot:
            for inner in _made(profile, derivation, slot):
                if steps[0].where is None or _may_hold(steps[0].where, inner):
                    yield from _objects(profile, inner, steps[1:])


def _fields(profile: Profile, derivation: ClassDerivation, steps: Sequence[Step]) -> Iterator[str]:
    """The source fields of what stands at the end of *steps*; what makes a whole object reaches everything in it."""
    for slot in derivation.slots:
        if slot.slot != steps[0].slot:
            continue
        inner = list(_made(profile, derivation, slot))
        where = steps[0].where
        fitting = [one for one in inner if where is None or _may_hold(where, one)]
        if inner and len(steps) > 1:
            for one in fitting:
                yield from _fields(profile, one, steps[1:])
        elif fitting or not inner:
            yield from _sources(derivation, slot)


def _made(profile: Profile, derivation: ClassDerivation, slot: SlotDerivation) -> Iterator[ClassDerivation]:
    """The derivations of the objects that *slot* holds, if it holds any."""
    yield from slot.nested
    if slot.populated_from is None:
        return
    owner = derivation.source_class
    for name in slot.populated_from:
        known = profile.source.classes.get(owner, {}).get(name)
        owner = known.range if known is not None else ""
    yield from (one for one in profile.derivations if one.source_class == owner)


def _sources(derivation: ClassDerivation, slot: SlotDerivation) -> Iterator[str]:
    if slot.expression is not None:
        paths = [path.names for path in paths_of(slot.expression)]
    else:
        paths = [slot.populated_from] if slot.populated_from is not None else []
    if not paths:
        yield f"{derivation.source_class} (constant)" if slot.value is not None else derivation.source_class
    yield from (".".join((derivation.source_class, *names)) for names in paths)


def _may_hold(condition: Condition, derivation: ClassDerivation) -> bool:
    """Whether *condition* can hold for what the derivation makes. Only what is plain is refused: a slot that is never
    filled, a constant that is another one."""
    match condition:
        case Every(conditions=several):
            return all(_may_hold(one, derivation) for one in several)
        case Either(conditions=several):
            return any(_may_hold(one, derivation) for one in several)
        case Compare(path=path, values=values, negated=negated) if path.base == "object":
            return _may_be(_slot(derivation, path.slots[0]), [str(value).lower() for value in values], negated)
        case Filled(path=path) | HasSystem(path=path) | AnyOf(path=path) if path.base == "object":
            return _slot(derivation, path.slots[0]) is not None
    return True


def _slot(derivation: ClassDerivation, name: str) -> SlotDerivation | None:
    return next((slot for slot in derivation.slots if slot.slot == name), None)


def _may_be(slot: SlotDerivation | None, values: Sequence[str], negated: bool) -> bool:
    if slot is None:
        return negated
    if slot.value is not None:
        return (slot.value.lower() in values) != negated
    if slot.value_mappings:
        return any((value.lower() in values) != negated for value in slot.value_mappings.values())
    return True
