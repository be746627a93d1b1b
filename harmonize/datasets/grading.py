"""Grades hub records by a data set and adds up.

The functions of `grading_code` give a pattern for each object, the statuses of the items of its class. Patterns are counted, not
items: a million records have few distinct ones, and all sums follow from them exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harmonize.datasets.conditions import is_asked
from harmonize.datasets.explanation import Explanation, ItemViolation, missing_rule, objects_of
from harmonize.datasets.grading_code import Pattern, class_code, petals_code
from harmonize.datasets.judges import Judges
from harmonize.datasets.specification import CONDITIONAL, CORE, LEVELS, Dataset, DatasetClass, Item
from harmonize.datasets.statuses import COUNTED, INVALID_RULES, Status, counted_as
from harmonize.errors import UnknownNameError
from harmonize.findings import add_counts
from harmonize.terminology.store import Terminologies

_PATTERNS_KEPT = 20_000
"""Distinct patterns of a class that are kept before they are added up: a bound on the memory that odd records can take."""


class ItemCounts(NamedTuple):
    """How an item stands in all records (`records`) and in all objects of its class (`objects`), by the words of `COUNTED`."""

    item: Item
    level: str
    records: Mapping[str, int]
    objects: Mapping[str, int]


class Grade(NamedTuple):
    """The statuses of one record: one pattern for each class, None where the record has no object of it; and the petals in use."""

    patterns: tuple[Pattern | None, ...]
    petals: tuple[bool, ...]


@dataclass
class _Tally:
    """Counts of the patterns of one class."""

    objects: dict[Pattern, int] = field(default_factory=lambda: defaultdict(int))
    records: dict[Pattern, int] = field(default_factory=lambda: defaultdict(int))
    absent: dict[tuple[bool, ...], int] = field(default_factory=lambda: defaultdict(int))
    """Records without an object of the class, by the petals that they belong to."""
    settled_objects: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    settled_records: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))

    def settle(self, patterns_kept: int = 0) -> None:
        """Add up the patterns by item, so that they can be forgotten."""
        if len(self.objects) > patterns_kept:
            _add_up(self.objects, self.settled_objects)
        if len(self.records) > patterns_kept:
            _add_up(self.records, self.settled_records)


def _add_up(patterns: dict[Any, int], into: dict[tuple[int, int], int]) -> None:
    for pattern, number in patterns.items():
        for index, status in enumerate(pattern):
            into[index, status] += number
    patterns.clear()


class Grader:
    """Grades records by one release of a data set and adds up.

    *level* is the least strict level whose missing items are violations. *petals* are the use cases that all records belong
    to; without them each record shows its own by the conditions of the data set. Where the records are made of another format,
    *reached* are the ids of the items that they can hold at all, and *whole* those of them that are missing where they are absent:
    of the others nobody knows.

    >>> from harmonize.datasets.specification import load_dataset
    >>> grader = Grader(load_dataset("goe"))
    >>> record = {"subject_id": "a", "sex_at_birth": {"codings": [{"code": "BIRTHSEX:F"}]}}
    >>> [violation.path for violation in grader.violations(record, grader.grade(record))]
    ['/country_of_birth', '/country_of_origin']
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        version: str | None = None,
        level: str = "mandatory",
        petals: Collection[str] | None = None,
        reached: Collection[str] | None = None,
        whole: Collection[str] | None = None,
        terminologies: Terminologies | None = None,
    ) -> None:
        if level not in LEVELS:
            raise UnknownNameError("level", level, LEVELS)
        for petal in petals or ():
            if petal not in dataset.petals:
                raise UnknownNameError(f"petal of {dataset.name}", petal, dataset.petals)
        self.dataset, self.version, self.level = dataset, version or dataset.version, level
        self.records = 0
        items = tuple(item for item in dataset.items_of(self.version) if reached is None or item.id in reached)
        self._judges = Judges(dataset.value_sets, terminologies or Terminologies.installed())
        self._items = {name: tuple(item for item in items if item.class_name == name) for name in dataset.classes}
        self._classes = tuple(dataset.classes[name] for name in dataset.classes if self._items[name])
        self._tallies: dict[str, dict[str, _Tally]] = {}
        """Group of records -> class -> counts."""
        self.records_of: dict[str, int] = defaultdict(int)
        """Group of records -> how many were graded."""
        self._petals = _PetalsInUse(dataset, petals)
        self._explanation = Explanation(dataset, self.version, self._judges)
        self._absent_is = {
            item.id: Status.MISSING if whole is None or item.id in whole else Status.NOT_CHECKED for item in items
        }
        self._compiled = [
            class_code(owner, self._items[owner.name], self._petals.numbers, self._judges, self._absent_is)
            for owner in self._classes
        ]
        self._flags = [_Flags(self._flagged_at(owner), self._must_be_there(owner)) for owner in self._classes]

    def _must_be_there(self, owner: DatasetClass) -> bool:
        """Whether a record without an object of the class lacks one."""
        return owner.required and any(self._absent_is[item.id] == Status.MISSING for item in self._items[owner.name])

    def _flagged_at(self, owner: DatasetClass) -> tuple[bool, ...]:
        wanted = LEVELS[: LEVELS.index(self.level) + 1]
        return tuple(self.level_of(item) in (*wanted, CONDITIONAL) for item in self._items[owner.name])

    def level_of(self, item: Item) -> str:
        """The level of *item* in the release that is graded by."""
        return item.levels[self.version]

    @property
    def unchecked(self) -> list[tuple[str, str]]:
        """Value set and code system where codes could not be looked up, for the system is not installed."""
        return sorted(self._judges.unchecked)

    def grade(self, record: Mapping[str, Any], group: str = "") -> Grade:
        """The statuses of *record*, which keeps to the hub schema or was made to (`Broken`); they are added to the sums.

        Sums are kept for each *group* of records, as those of one year.
        """
        self.records += 1
        self.records_of[group] += 1
        tallies = self._tallies.get(group)
        if tallies is None:
            tallies = self._tallies[group] = {owner.name: _Tally() for owner in self._classes}
        petals = self._petals.of(record)
        patterns: list[Pattern | None] = []
        for owner, compiled in zip(self._classes, self._compiled, strict=True):
            tally = tallies[owner.name]
            pattern = compiled.all(record, petals, tally.objects)
            if pattern is None:
                tally.absent[petals] += 1
            else:
                tally.records[pattern] += 1
            patterns.append(pattern)
        if self.records % _PATTERNS_KEPT == 0:
            for tally in tallies.values():
                tally.settle(_PATTERNS_KEPT)
        return Grade(tuple(patterns), petals)

    def is_flagged(self, grade: Grade) -> bool:
        """Whether there is a violation in what was graded."""
        return any(flags[pattern] for flags, pattern in zip(self._flags, grade.patterns, strict=True))

    def violations(self, record: Mapping[str, Any], grade: Grade) -> Iterator[ItemViolation]:
        """What *record* breaks: item by item with its path, one for each class that must be there and is not."""
        for owner, compiled, flags, pattern in zip(
            self._classes, self._compiled, self._flags, grade.patterns, strict=True
        ):
            if not flags[pattern]:
                continue
            if pattern is None:
                yield self._explanation.of_missing_class(owner)
                continue
            for graded in objects_of(owner, record):
                statuses = compiled.one(graded.value, graded.holder, record, graded.via, grade.petals)
                for item, status, is_wanted in zip(self._items[owner.name], statuses, flags.wanted, strict=True):
                    if _is_violation(status, is_wanted):
                        yield self._explanation.of_item(item, Status(status), graded)

    def broken_rules(self, record: Mapping[str, Any], grade: Grade) -> set[str]:
        """The rules that *record* breaks at some item of some object."""
        broken: set[str] = set()
        for owner, compiled, flags, pattern in zip(
            self._classes, self._compiled, self._flags, grade.patterns, strict=True
        ):
            if not flags[pattern]:
                continue
            if pattern is None:
                broken.add("dataset.class-missing")
                continue
            for graded in objects_of(owner, record):
                statuses = compiled.one(graded.value, graded.holder, record, graded.via, grade.petals)
                broken |= self._rules_of(owner, statuses, flags.wanted)
        return broken

    def _rules_of(self, owner: DatasetClass, statuses: Pattern, wanted: tuple[bool, ...]) -> set[str]:
        return {
            INVALID_RULES[Status(status)] if status >= Status.WRONG_CODE else missing_rule(self.level_of(item))
            for item, status, is_wanted in zip(self._items[owner.name], statuses, wanted, strict=True)
            if _is_violation(status, is_wanted)
        }

    def covered(self) -> frozenset[tuple[str, str]]:
        """Hub class and slot of everything that an item of the release is about."""
        items = [item for items in self._items.values() for item in items]
        return frozenset((path.end_class, path.steps[-1].slot) for item in items for path in item.slots)

    def statuses(self, grade: Grade) -> Iterator[tuple[Item, str]]:
        """Every item with the word of `COUNTED` that it has in the graded record."""
        for owner, pattern in zip(self._classes, grade.patterns, strict=True):
            items = self._items[owner.name]
            statuses = self._absent(owner, grade.petals) if pattern is None else pattern
            yield from zip(items, map(counted_as, statuses), strict=True)
        yield from ((item, "not_checked") for item in self._not_graded())

    def _not_graded(self) -> list[Item]:
        graded = {item.id for items in self._items.values() for item in items}
        return [item for item in self.dataset.items_of(self.version) if item.id not in graded]

    def _absent(self, owner: DatasetClass, petals: tuple[bool, ...]) -> Pattern:
        """The statuses of a record without an object of the class: missing where it must have one, unless a condition on the object
        decides whether the item is asked for."""
        if not owner.required:
            return (Status.NOT_APPLICABLE,) * len(self._items[owner.name])
        in_use = {name for name, number in self._petals.numbers.items() if petals[number]}
        return tuple(
            self._absent_is[item.id]
            if (item.petal == CORE or item.petal in in_use) and is_asked(item.condition, in_use)
            else Status.NOT_APPLICABLE
            for item in self._items[owner.name]
        )

    def counts(self, group: str | None = None) -> list[ItemCounts]:
        """The sums over all records graded so far, or those of one *group*, in the order of the data set."""
        made = {}
        for owner in self._classes:
            tally = self._tally(owner, group)
            for index, item in enumerate(self._items[owner.name]):
                records = _sums(tally.settled_records, index)
                for petals, number in tally.absent.items():
                    records[counted_as(self._absent(owner, petals)[index])] += number
                made[item.id] = ItemCounts(item, self.level_of(item), records, _sums(tally.settled_objects, index))
        graded = self.records if group is None else self.records_of.get(group, 0)
        nothing = dict.fromkeys(COUNTED, 0)
        for item in self._not_graded():
            made[item.id] = ItemCounts(item, self.level_of(item), {**nothing, "not_checked": graded}, nothing)
        return [made[item.id] for item in self.dataset.items_of(self.version)]

    def _tally(self, owner: DatasetClass, group: str | None) -> _Tally:
        """The settled counts of a class, of one group or of all of them."""
        total = _Tally()
        for tallies in self._tallies.values() if group is None else filter(None, [self._tallies.get(group)]):
            tally = tallies[owner.name]
            tally.settle(-1)
            add_counts(total.absent, tally.absent)
            add_counts(total.settled_objects, tally.settled_objects)
            add_counts(total.settled_records, tally.settled_records)
        return total

    def rule_counts(self) -> dict[str, int]:
        """How often each rule is broken, exactly: from the sums, not from the violations that somebody listed."""
        counts: dict[str, int] = defaultdict(int)
        for owner, flags in zip(self._classes, self._flags, strict=True):
            tally = self._tally(owner, None)
            if self._must_be_there(owner) and tally.absent:
                counts["dataset.class-missing"] += sum(tally.absent.values())
            for (index, status), number in tally.settled_objects.items():
                level = self.level_of(self._items[owner.name][index])
                if status >= Status.WRONG_CODE:
                    counts[INVALID_RULES[Status(status)]] += number
                elif status == Status.MISSING and flags.wanted[index]:
                    counts[missing_rule(level)] += number
        return dict(sorted(counts.items()))


class _Flags(dict[Pattern | None, bool]):
    """Whether a pattern holds a violation; worked out when it is first seen."""

    def __init__(self, wanted: tuple[bool, ...], required: bool) -> None:
        super().__init__({None: required})
        self.wanted = wanted

    def __missing__(self, pattern: Pattern) -> bool:
        if len(self) > _PATTERNS_KEPT:
            absent = self[None]
            self.clear()
            self[None] = absent
        flagged = self[pattern] = any(map(_is_violation, pattern, self.wanted))
        return flagged


def _is_violation(status: int, is_wanted: bool) -> bool:
    """Whether an item with *status* is broken; a missing one only where the level wants it."""
    return status >= Status.WRONG_CODE or (status == Status.MISSING and is_wanted)


def _sums(settled: Mapping[tuple[int, int], int], index: int) -> dict[str, int]:
    sums = dict.fromkeys(COUNTED, 0)
    for status in Status:
        sums[counted_as(status)] += settled.get((index, status), 0)
    return sums


class _PetalsInUse:
    """Which petals a record belongs to."""

    def __init__(self, dataset: Dataset, asked_for: Collection[str] | None) -> None:
        self.numbers = {name: number for number, name in enumerate(dataset.petals)}
        self.of: Callable[[Any], tuple[bool, ...]] = petals_code(dataset.petals, self.numbers)
        if asked_for is not None:
            always = tuple(name in asked_for for name in dataset.petals)
            self.of = lambda record: always
