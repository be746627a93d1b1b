"""What a data set demands of a hub record at a level, item by item, as claims; and by name what claims cannot say.

Of every item that a record has the values are judged: value set, NullFlavors, pattern, number. That it has the item at all
is demanded of items of the level and of stricter ones, where the petal is in use and the condition holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harmonize.datasets.conditions import Condition, Either, Every
from harmonize.datasets.hub_paths import HubPath, Step
from harmonize.datasets.specification import CONDITIONAL, CORE, LEVELS, Dataset, DatasetClass, Item
from harmonize.errors import UnknownNameError
from harmonize.exports.claims import (
    ALWAYS,
    AtMost,
    Claim,
    CodeIs,
    CodeMatches,
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
    of_the_record,
    settle,
    split,
)


class Demand(NamedTuple):
    """What is demanded for one item, or for one class, of a record."""

    id: str
    title: str
    description: str
    claim: Claim


class Note(NamedTuple):
    """What of an item is not expressed, and why."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Demands:
    """All demands of a data set in its order, and what is left unsaid."""

    dataset: Dataset
    version: str
    level: str
    petals: tuple[str, ...]
    demands: tuple[Demand, ...]
    notes: tuple[Note, ...]


def dataset_demands(
    dataset: Dataset, *, level: str = "mandatory", version: str | None = None, petals: Sequence[str] = ()
) -> Demands:
    """The demands of *dataset*. *petals* are in use whatever a record shows. Raises UnknownNameError."""
    if level not in LEVELS:
        raise UnknownNameError("requirement level", level, LEVELS)
    for name in petals:
        if name not in dataset.petals:
            raise UnknownNameError(f"petal of {dataset.name}", name, dataset.petals)
    chosen = dataset.version if version is None else version
    items = dataset.items_of(chosen)
    builder = _Builder(dataset, chosen, level, petals)
    demands = [builder.of_class(owner) for owner in dataset.classes.values() if owner.required and owner.paths[0].steps]
    demands += [builder.of_item(item) for item in items]
    return Demands(dataset, chosen, level, tuple(petals), tuple(demands), tuple(dict.fromkeys(builder.notes)))


class _Builder:
    def __init__(self, dataset: Dataset, version: str, level: str, petals: Sequence[str]) -> None:
        self.dataset, self.version, self.notes = dataset, version, list[Note]()
        self._demanded = {*LEVELS[: LEVELS.index(level) + 1], CONDITIONAL}
        self._petals: dict[str, Condition] = {}
        for name, petal in dataset.petals.items():
            shown = Either(()) if petal.applies is None else of_the_record(petal.applies)
            self._petals[name] = Every(()) if name in petals else shown

    def of_class(self, owner: DatasetClass) -> Demand:
        found: list[Claim] = []
        for path in owner.paths:
            try:
                found.append(_given(path.steps, {}))
            except InexpressibleError as reason:
                self.notes.append(Note(owner.name, f"that a record must have one is not expressed: {reason}"))
                found.append(ALWAYS)
        title = f"{owner.name}: a record has at least one"
        return Demand(owner.name, title, owner.definition, either(found))

    def of_item(self, item: Item) -> Demand:
        level = item.levels[self.version]
        title = f"{item.id} {item.class_name}: {item.item} ({level}{'' if item.petal == CORE else ', ' + item.petal})"
        self._say_limits(item, level)
        owner = self.dataset.classes[item.class_name]
        return Demand(item.id, title, item.definition, every(self._below(path, item) for path in owner.paths))

    def _note(self, item: Item, text: str) -> None:
        self.notes.append(Note(item.id, text))

    def _say_limits(self, item: Item, level: str) -> None:
        values = self.dataset.value_sets.get(item.value_set or "")
        if values is not None and values.descendants_of:
            roots = ", ".join(values.descendants_of)
            self._note(item, f"descendants of {roots}: every code of the system is let pass, the hierarchy is not looked at")
        if values is not None and item.range != "CodedValue":
            self._note(item, f"the value set {values.name!r} is not expressed: the hub holds {item.range}, no code")
        if item.pattern and _pattern_claim(item) is None:
            self._note(item, f"the pattern is not expressed: the hub holds {item.range}")
        petal = self.dataset.petals.get(item.petal)
        if petal is not None and self._petals[item.petal] == Either(()) and level in self._demanded:
            self._note(item, f"not demanded: no record shows that {item.petal!r} is in use; the call has to say so")
        if int(item.cardinality.partition("..")[0]) > 1:
            self._note(item, f"of {item.cardinality} only that there is one is demanded")
        limit = item.at_most
        if limit is not None and any(sum(step.multivalued for step in path.steps) > 1 for path in item.slots):
            self._note(item, f"that there are at most {limit} is not expressed: the path goes through several lists")

    def _below(self, path: HubPath, item: Item) -> Claim:
        """The claim about the record for the objects at *path*."""
        slot = path.steps[-1].slot if path.steps else ""
        condition = Every(()) if item.condition is None else settle(item.condition, slot, self._petals)
        petal = self._petals[item.petal] if item.petal != CORE else Every(())
        try:
            return self._claim(path, item, condition, petal)
        except InexpressibleError as reason:
            self._note(item, f"the condition is not expressed, nor what hangs on it: {reason}")
        try:
            return self._claim(path, item, None, petal)
        except InexpressibleError:
            return ALWAYS

    def _claim(self, path: HubPath, item: Item, condition: Condition | None, petal: Condition) -> Claim:
        def at_object(known: Known) -> Claim:
            return self._of_object(item, path.range, condition, petal, known)

        wheres = [step.where for p in (path, *item.slots) for step in p.steps if step.where is not None]
        everything = Every(tuple(part for part in (condition, petal, *wheres) if part is not None))
        return _descend(path.steps, everything, at_object)

    def _of_object(
        self, item: Item, class_name: str, condition: Condition | None, petal: Condition, known: Known
    ) -> Claim:
        """The claim about one object of the class of *item*; without a *condition* only what does not hang on it."""
        values = every(self._values(item, path, known) for path in item.slots)
        if condition is None:
            return ALWAYS if item.otherwise == "ignore" else values
        holds = condition_claim(condition, class_name, known)
        parts = [implies(holds, values) if item.otherwise == "ignore" else values]
        if item.otherwise == "absent":
            parts.append(implies(negated(holds), negated(_somewhere(item, known))))
        if item.levels[self.version] in self._demanded:
            in_use = condition_claim(petal, class_name, known)
            parts.append(implies(every([in_use, holds]), _somewhere(item, known)))
        return every(parts)

    def _values(self, item: Item, path: HubPath, known: Known) -> Claim:
        """Every value at *path* is a legal one, and there are not too many."""
        judged = _all(path.steps, self._legal(item), known)
        limit = item.at_most
        if limit is None or sum(step.multivalued for step in path.steps) != 1:
            return judged
        return every([judged, _at_most(path.steps, known, limit)])

    def _legal(self, item: Item) -> Claim:
        pattern = _pattern_claim(item)
        return every([self._legal_code(item) if item.range == "CodedValue" else ALWAYS, pattern or ALWAYS])

    def _legal_code(self, item: Item) -> Claim:
        """A code of the value set, a NullFlavor that the item permits, or a text where texts are permitted."""
        values = self.dataset.value_sets.get(item.value_set or "")
        has_code, has_flavor = Some("codings", True, ALWAYS), Some("null_flavor", False, ALWAYS)
        kinds: list[Claim] = [has_code]
        if values is not None:
            systems = tuple(dict.fromkeys([*values.systems, *(c.partition(":")[0] for c in values.descendants_of)]))
            listed = tuple(value.code for value in values.values)
            permitted = [*([CodeIs(listed)] if listed else []), *([SystemIs(systems)] if systems else [])]
            kinds = [some("codings", True, either(permitted))]
        if item.null_flavors:
            flavors = IsOneOf(tuple(sorted(item.null_flavors)))
            kinds.append(every([negated(has_code), Some("null_flavor", False, flavors)]))
        if values is None or values.text:
            text = Some("text", False, ALWAYS)
            kinds.append(every([negated(has_code), negated(has_flavor), text]))
        return either(kinds)


def _pattern_claim(item: Item) -> Claim | None:
    if not item.pattern:
        return ALWAYS
    if item.range == "string":
        return Matches(item.pattern)
    if item.range in ("PartialDate", "Quantity"):
        return each("value", False, Matches(item.pattern))
    if item.range == "CodedValue":
        return each("codings", True, CodeMatches(item.pattern))
    return None


def _descend(steps: tuple[Step, ...], condition: Condition, make: Callable[[Known], Claim]) -> Claim:
    """The claim about the record that *make* gives for each object at the end of *steps*."""
    asked_record = asks_of(condition, "record")
    asked_holder = asks_of(condition, "holder")
    if not steps:  # the object is the record
        if asked_holder:
            raise InexpressibleError("the record has no holder")
        return split(asked_record, "Subject", make)
    holder = steps[-2].range if len(steps) > 1 else "Subject"

    def at_holder(of_record: Known) -> Claim:
        return split(asked_holder, holder, lambda of_holder: _last(steps[-1], make, {**of_record, **of_holder}))

    def at_record(known: Known) -> Claim:
        claim = at_holder(known)
        for step in reversed(steps[:-1]):
            claim = each(step.slot, step.multivalued, implies(_where(step, known), claim))
        return claim

    return split(asked_record, "Subject", at_record)


def _last(step: Step, make: Callable[[Known], Claim], known: Known) -> Claim:
    return each(step.slot, step.multivalued, implies(_where(step, known), make(known)))


def _where(step: Step, known: Known) -> Claim:
    return ALWAYS if step.where is None else condition_claim(step.where, step.range, known)


def _given(steps: tuple[Step, ...], known: Known) -> Claim:
    """Something stands at the end of *steps*."""
    claim = ALWAYS
    for step in reversed(steps):
        claim = some(step.slot, step.multivalued, every([_where(step, known), claim]))
    return claim


def _somewhere(item: Item, known: Known) -> Claim:
    return either(_given(path.steps, known) for path in item.slots)


def _all(steps: tuple[Step, ...], claim: Claim, known: Known) -> Claim:
    for step in reversed(steps):
        claim = each(step.slot, step.multivalued, implies(_where(step, known), claim))
    return claim


def _at_most(steps: tuple[Step, ...], known: Known, number: int) -> Claim:
    """Of the one list on the path at most so many lead to a value."""
    place = next(i for i, step in enumerate(steps) if step.multivalued)
    below = _given(steps[place + 1 :], known)
    claim: Claim = AtMost(steps[place].slot, every([_where(steps[place], known), below]), number)
    for step in reversed(steps[:place]):
        claim = each(step.slot, step.multivalued, claim)
    return claim

