"""What a data set demands of a hub record at a level, item by item, as claims; and by name what claims cannot say.

The meaning is that of `harmonize.datasets.grading`, which tests hold beside it. Of every item that a record has the values
are judged: value set, NullFlavors, dates, form, number. That it has the item at all is demanded of items of the level and
of stricter ones, where the petal is in use and the condition holds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from harmonize.datasets.conditions import Condition, Either, Every
from harmonize.datasets.hub_paths import HubPath
from harmonize.datasets.specification import CONDITIONAL, CORE, LEVELS, Dataset, DatasetClass, Item
from harmonize.datasets.value_set_words import limits_of
from harmonize.errors import UnknownNameError
from harmonize.exports.claims import ALWAYS, Claim, either, every
from harmonize.exports.condition_claims import InexpressibleError, of_the_record, settle
from harmonize.exports.item_claims import Asked, given, is_one_list, item_claim


class Demand(NamedTuple):
    """What is demanded for one item, or for one class, of a record."""

    id: str
    title: str
    description: str
    claim: Claim


class Note(NamedTuple):
    """What of an item, class or value set is not expressed, and why."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Demands:
    """All demands of a data set in its order, and what is left unsaid. `petals` None: each record shows its own."""

    dataset: Dataset
    version: str
    level: str
    petals: tuple[str, ...] | None
    demands: tuple[Demand, ...]
    notes: tuple[Note, ...]


def dataset_demands(
    dataset: Dataset,
    *,
    level: str = "mandatory",
    version: str | None = None,
    petals: Collection[str] | None = None,
) -> Demands:
    """The demands of *dataset*. *petals* are the use cases of all records; None: each record shows its own.

    Raises UnknownNameError.
    """
    if level not in LEVELS:
        raise UnknownNameError("level", level, LEVELS)
    for name in petals or ():
        if name not in dataset.petals:
            raise UnknownNameError(f"petal of {dataset.name}", name, dataset.petals)
    chosen = dataset.version if version is None else version
    items = dataset.items_of(chosen)
    builder = _Builder(dataset, chosen, level, petals)
    with_items = {item.class_name for item in items}
    required = [owner for owner in dataset.classes.values() if owner.required and owner.name in with_items]
    demands = [builder.of_class(owner) for owner in required if all(path.steps for path in owner.paths)]
    demands += [builder.of_item(item) for item in items]
    notes = tuple(dict.fromkeys([*builder.value_set_notes(items), *builder.notes]))
    return Demands(dataset, chosen, level, None if petals is None else tuple(petals), tuple(demands), notes)


class _Builder:
    def __init__(self, dataset: Dataset, version: str, level: str, petals: Collection[str] | None) -> None:
        self.dataset, self.version = dataset, version
        self.notes: list[Note] = []
        self._demanded = {*LEVELS[: LEVELS.index(level) + 1], CONDITIONAL}
        self._petals: dict[str, Condition] = {}
        for name, petal in dataset.petals.items():
            if petals is not None:
                self._petals[name] = Every(()) if name in petals else Either(())
            else:
                self._petals[name] = Either(()) if petal.applies is None else of_the_record(petal.applies)

    def of_class(self, owner: DatasetClass) -> Demand:
        title = f"{owner.name}: a record has at least one"
        try:
            claim = either(given(path, {}) for path in owner.paths)
        except InexpressibleError as reason:
            self.notes.append(Note(owner.name, f"that a record must have one is not expressed: {reason}"))
            claim = ALWAYS
        return Demand(owner.name, title, owner.definition, claim)

    def of_item(self, item: Item) -> Demand:
        level = item.levels[self.version]
        title = f"{item.id} {item.class_name}: {item.item} ({level}{'' if item.petal == CORE else ', ' + item.petal})"
        self._say_limits(item, level)
        owner = self.dataset.classes[item.class_name]
        return Demand(item.id, title, item.definition, every(self._below(path, item) for path in owner.paths))

    # --- what is not expressed ---

    def _note(self, item: Item, text: str) -> None:
        self.notes.append(Note(item.id, text))

    def _say_limits(self, item: Item, level: str) -> None:
        self.notes += [Note(item.id, text) for text in limits_of_item(item)]
        petal = self._petals.get(item.petal)
        if petal == Either(()) and level in self._demanded:
            self._note(item, f"not demanded: the petal {item.petal!r} is not in use, and no record shows that it is")
        if (
            item.at_most is not None
            and not is_one_list(item)
            and any(s.multivalued for p in item.slots for s in p.steps)
        ):
            self._note(
                item, f"that there are at most {item.at_most} is not expressed: the values stand in several places"
            )

    def value_set_notes(self, items: tuple[Item, ...]) -> list[Note]:
        """What is let pass of the value sets in use."""
        used = {item.value_set for item in items if "CodedValue" in item.ranges}
        notes = []
        for values in self.dataset.value_sets.values():
            if values.name not in used:
                continue
            notes += [Note(f"value set {values.name}", text) for text in limits_of(values)]
        return notes

    # --- claims ---

    def _below(self, path: HubPath, item: Item) -> Claim:
        """The claim about the record for the objects at *path*; without the condition where that cannot be said."""
        slot = path.steps[-1].slot if path.steps else ""
        parts = (item.condition, item.forbidden, self._petals.get(item.petal, Every(())))
        condition, forbidden, petal = (None if part is None else settle(part, slot, self._petals) for part in parts)
        values = self.dataset.value_sets.get(item.value_set or "")
        demanded = item.levels[self.version] in self._demanded
        asked = Asked(item, values, condition, forbidden, petal or Every(()), demanded)
        try:
            return item_claim(asked, path)
        except InexpressibleError as reason:
            self._note(item, f"its condition is not expressed, nor what hangs on it: {reason}")
        if item.otherwise == "ignore":
            return ALWAYS
        try:
            return item_claim(asked._replace(condition=None, forbidden=None, demanded=False), path)
        except InexpressibleError:
            return ALWAYS


def limits_of_item(item: Item) -> list[str]:
    """What of the values of *item* nothing expresses that is made of its description."""
    limits = []
    if item.value_set is not None and "CodedValue" not in item.ranges:
        limits.append(f"the value set {item.value_set!r} is not expressed: the hub holds {_listed(item)}, no code")
    if item.pattern and item.ranges != {"string"}:
        limits.append("the form is demanded of plain texts only")
    if int(item.cardinality.partition("..")[0]) > 1:
        limits.append(f"of {item.cardinality} only that there is one is demanded")
    return limits


def _listed(item: Item) -> str:
    return ", ".join(sorted(item.ranges))
