"""Grades hub records by a data set: compiled once into plain Python functions, run for every record.

One function for each class of the data set gives the statuses of its items for one object as a tuple, the pattern.
Patterns are counted, not items: a million records have few distinct ones, and all sums follow from them exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from harmonize.datasets.condition_code import FUNCTIONS, condition_code
from harmonize.datasets.conditions import Condition, is_asked
from harmonize.datasets.hub_paths import HubPath, Step, is_value
from harmonize.datasets.judges import Broken, Judges, is_blank
from harmonize.datasets.specification import CONDITIONAL, CORE, LEVELS, Dataset, DatasetClass, Item
from harmonize.datasets.statuses import COUNTED, INVALID_RULES, Status, counted_as, worst
from harmonize.errors import UnknownNameError
from harmonize.terminology.store import Terminologies

Pattern = tuple[int, ...]
_PATTERNS_KEPT = 20_000
"""Distinct patterns of a class that are kept before they are added up: a bound on the memory that odd records can take."""


class ItemCounts(NamedTuple):
    """How an item stands in all records (`records`) and in all objects of its class (`objects`), by the words of `COUNTED`.

    `not_checked` are the records in which nobody could look: their format has no place for the item that we know of.
    """

    item: Item
    level: str
    records: Mapping[str, int]
    objects: Mapping[str, int]
    not_checked: int


class ItemViolation(NamedTuple):
    """An item that a record breaks. `item` is None where a whole class is missing."""

    rule: str
    path: str
    message: str
    class_name: str
    item: Item | None
    level: str


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
    to; without them each record shows its own by the conditions of the data set. *only* are the ids of the items that the
    records can hold at all, where they are made of another format.

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
        only: Collection[str] | None = None,
        terminologies: Terminologies | None = None,
    ) -> None:
        if level not in LEVELS:
            raise UnknownNameError("level", level, LEVELS)
        for petal in petals or ():
            if petal not in dataset.petals:
                raise UnknownNameError(f"petal of {dataset.name}", petal, dataset.petals)
        self.dataset, self.version, self.level = dataset, version or dataset.version, level
        self.records = 0
        items = tuple(item for item in dataset.items_of(self.version) if only is None or item.id in only)
        self._judges = Judges(dataset.value_sets, terminologies or Terminologies.installed())
        self._items = {name: tuple(item for item in items if item.class_name == name) for name in dataset.classes}
        self._classes = tuple(dataset.classes[name] for name in dataset.classes if self._items[name])
        self._tallies = {owner.name: _Tally() for owner in self._classes}
        self._petals = _PetalsInUse(dataset, petals)
        self._compiled = [
            _compile(owner, self._items[owner.name], self._petals.numbers, self._judges) for owner in self._classes
        ]
        self._flags = [_Flags(self._flagged_at(owner), owner.required) for owner in self._classes]

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

    def grade(self, record: Mapping[str, Any]) -> Grade:
        """The statuses of *record*, which keeps to the hub schema or was made to (`Broken`); they are added to the sums."""
        self.records += 1
        petals = self._petals.of(record)
        patterns: list[Pattern | None] = []
        for owner, compiled in zip(self._classes, self._compiled, strict=True):
            tally = self._tallies[owner.name]
            pattern = compiled.all(record, petals, tally.objects)
            if pattern is None:
                tally.absent[petals] += 1
            else:
                tally.records[pattern] += 1
            patterns.append(pattern)
        if self.records % _PATTERNS_KEPT == 0:
            for tally in self._tallies.values():
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
                path = "/" + "/".join(owner.paths[0].slots)
                what = f"{owner.name} ({owner.definition.rstrip('.')})" if owner.definition else owner.name
                message = f"the record has none: {what}; {self.dataset.name} {self.version} demands one"
                yield ItemViolation("dataset.class-missing", path, message, owner.name, None, "mandatory")
                continue
            for path, arguments in _objects(owner, record):
                statuses = compiled.one(*arguments, grade.petals)
                for item, status, is_wanted in zip(self._items[owner.name], statuses, flags.wanted, strict=True):
                    if status >= Status.WRONG_CODE or (status == Status.MISSING and is_wanted):
                        yield self._violation(item, status, path, arguments)

    def _violation(self, item: Item, status: int, pointer: str, arguments: Any) -> ItemViolation:
        level = self.level_of(item)
        where = self._place(item, status, pointer, arguments)
        name = f"{item.class_name}, {item.item}"
        if status == Status.MISSING:
            why = f" (demanded: {item.condition_text})" if item.condition_text and level == CONDITIONAL else ""
            strict = "mandatory" if level == CONDITIONAL else level
            return ItemViolation(
                f"dataset.{strict}-missing", where, f"{name} is missing{why}", item.class_name, item, level
            )
        why = self._broken_at(arguments[2], where) or self._detail(item, Status(status))
        message = _MESSAGES[Status(status)].format(name=name, detail=why)
        return ItemViolation(INVALID_RULES[Status(status)], where, message, item.class_name, item, level)

    def _place(self, item: Item, status: int, pointer: str, arguments: Any) -> str:
        """JSON Pointer of the first value with *status*, or of the first place where a value should stand and does not."""
        found, holder, record, _ = arguments
        for path in item.slots[:1] if status == Status.MISSING else item.slots:
            start = ("", record, None) if path.from_record else (pointer, found, holder)
            judge = self._judges.of(item, path) or _plain
            for place, value in _values_at(path, start, record):
                if (Status.MISSING if value is None else judge(value)) == status:
                    return place
        start_of_path = "" if item.slots[0].from_record else pointer
        return start_of_path + "".join(f"/{slot}" for slot in item.slots[0].slots)

    def _broken_at(self, record: Any, where: str) -> str:
        """Why the value at a place breaks the schema; empty where it does not."""
        value = record
        for step in where.split("/")[1:]:
            value = (
                value[int(step)] if isinstance(value, list) else value.get(step) if isinstance(value, dict) else None
            )
        return value.why if isinstance(value, Broken) else ""

    def _detail(self, item: Item, status: Status) -> str:
        values = self.dataset.value_sets.get(item.value_set or "")
        match status:
            case Status.WRONG_CODE:
                return values.summary if values else "any code"
            case Status.NULL_FLAVOR_REFUSED:
                return f"allowed: {', '.join(sorted(item.null_flavors)) or 'none'}"
            case Status.CONDITION_BROKEN:
                return f"it is for records {item.condition_text}" if item.condition_text else "another item excludes it"
            case Status.WRONG_DATE:
                return "not of the calendar, or not cut where its precision says"
            case Status.TOO_MANY:
                return item.cardinality
            case Status.WRONG_TEXT:
                return item.pattern
        return item.slots[0].range

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
            Status.MISSING
            if (item.petal == CORE or item.petal in in_use) and is_asked(item.condition, in_use)
            else Status.NOT_APPLICABLE
            for item in self._items[owner.name]
        )

    def counts(self) -> list[ItemCounts]:
        """The sums over all records graded so far, in the order of the data set."""
        made = {}
        for owner in self._classes:
            tally = self._tallies[owner.name]
            tally.settle(-1)
            for index, item in enumerate(self._items[owner.name]):
                records = _sums(tally.settled_records, index)
                for petals, number in tally.absent.items():
                    records[counted_as(self._absent(owner, petals)[index])] += number
                made[item.id] = ItemCounts(item, self.level_of(item), records, _sums(tally.settled_objects, index), 0)
        nothing = dict.fromkeys(COUNTED, 0)
        for item in self._not_graded():
            made[item.id] = ItemCounts(item, self.level_of(item), nothing, nothing, self.records)
        return [made[item.id] for item in self.dataset.items_of(self.version)]

    def rule_counts(self) -> dict[str, int]:
        """How often each rule is broken, exactly: from the sums, not from the violations that somebody listed."""
        counts: dict[str, int] = defaultdict(int)
        for owner, flags in zip(self._classes, self._flags, strict=True):
            tally = self._tallies[owner.name]
            tally.settle(-1)
            if owner.required and tally.absent:
                counts["dataset.class-missing"] += sum(tally.absent.values())
            for (index, status), number in tally.settled_objects.items():
                level = self.level_of(self._items[owner.name][index])
                if status >= Status.WRONG_CODE:
                    counts[INVALID_RULES[Status(status)]] += number
                elif status == Status.MISSING and flags.wanted[index]:
                    counts[f"dataset.{'mandatory' if level == CONDITIONAL else level}-missing"] += number
        return dict(sorted(counts.items()))


_MESSAGES = {
    Status.WRONG_CODE: "{name}: no code of it is in the value set: {detail}",
    Status.NULL_FLAVOR_REFUSED: "{name}: a NullFlavor that is not allowed here; {detail}",
    Status.WRONG_DATE: "{name}: no date: {detail}",
    Status.CONDITION_BROKEN: "{name} is given although it must not be; {detail}",
    Status.WRONG_TYPE: "{name}: not what the hub has there: {detail}",
    Status.TOO_MANY: "{name}: more values than {detail} allows",
    Status.WRONG_TEXT: "{name}: the text has not the form {detail}",
}


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
        flagged = self[pattern] = any(
            status >= Status.WRONG_CODE or (status == Status.MISSING and is_wanted)
            for status, is_wanted in zip(pattern, self.wanted, strict=True)
        )
        return flagged


def _sums(settled: Mapping[tuple[int, int], int], index: int) -> dict[str, int]:
    sums = dict.fromkeys(COUNTED, 0)
    for status in Status:
        sums[counted_as(status)] += settled.get((index, status), 0)
    return sums


class _PetalsInUse:
    """Which petals a record belongs to."""

    def __init__(self, dataset: Dataset, asked_for: Collection[str] | None) -> None:
        self.numbers = {name: number for number, name in enumerate(dataset.petals)}
        if asked_for is not None:
            always = tuple(name in asked_for for name in dataset.petals)
            self.of: Callable[[Any], tuple[bool, ...]] = lambda record: always
            return
        codes = [
            "False" if petal.applies is None else f"bool({condition_code(petal.applies, self.numbers)})"
            for petal in dataset.petals.values()
        ]
        text = f"def of(r):\n    o = r\n    return ({''.join(f'{code}, ' for code in codes)})\n"
        self.of = _executed(text, f"petals of {dataset.name}", {})["of"]


class _Compiled(NamedTuple):
    """The functions of a class: `one` grades one object, `all` those of a record, counting their patterns."""

    one: Callable[..., Pattern]
    all: Callable[..., Pattern | None]


def _compile(owner: DatasetClass, items: tuple[Item, ...], petals: Mapping[str, int], judges: Judges) -> _Compiled:
    names: dict[str, Any] = {"worst": worst, "Broken": Broken, "worst_of": _worst_of}
    lines = [_ItemCode(item, number, petals, judges, names).expression() for number, item in enumerate(items)]
    text = (
        "def one(o, h, r, via, p):\n    get = o.get\n    return (\n"
        + "".join(f"        {line},\n" for line in lines)
        + "    )\n"
    )
    text += (
        "def all_of(r, p, counts):\n    pattern = None\n"
        + "".join(_loop(path, petals) for path in owner.paths)
        + "    return pattern\n"
    )
    made = _executed(text, f"class {owner.name}", names)
    return _Compiled(made["one"], made["all_of"])


def _executed(text: str, what: str, names: dict[str, Any]) -> dict[str, Any]:
    """The functions that *text* defines. It is made by this module of slot names of the hub and constants alone."""
    scope = {**FUNCTIONS, **names}
    exec(compile(text, f"<{what}>", "exec"), scope)  # noqa: S102 - generated here, of checked names
    return scope


def _loop(path: HubPath, petals: Mapping[str, int]) -> str:
    """The loop over the objects of a class at *path*, counting the pattern of each."""
    lines, indent, holder = _walk(path, "r", petals)
    via = path.steps[-1].slot if path.steps else ""
    above = f"x{len(path.steps) - 2}" if len(path.steps) > 1 else "r"
    lines += [
        f"{indent}found = one({holder}, {above}, r, {via!r}, p)\n",
        f"{indent}counts[found] += 1\n",
        f"{indent}pattern = found if pattern is None or pattern == found else worst(pattern, found)\n",
    ]
    return "".join(lines)


def _walk(path: HubPath, start: str, petals: Mapping[str, int]) -> tuple[list[str], str, str]:
    """Lines that go along *path* from the variable *start*; the indent in which they end, and the variable of what is at the end.

    Where a list should stand and something else does, nothing is walked into; at the end of the path it is one value.
    """
    lines, indent, holder = [], "    ", start
    for depth, step in enumerate(path.steps):
        name, value = f"x{depth}", f"{holder}.get({step.slot!r})"
        if step.multivalued:
            several = f"each({value})" if depth == len(path.steps) - 1 and is_value(step.range) else f"{value} or ()"
            lines.append(f"{indent}for {name} in {several}:\n")
        else:
            lines += [f"{indent}{name} = {value}\n", f"{indent}if {name} is not None:\n"]
        indent += "    "
        if step.where is not None:
            lines += [f"{indent}o, h = {name}, {holder}\n", f"{indent}if {condition_code(step.where, petals)}:\n"]
            indent += "    "
        holder = name
    return lines, indent, holder


def _only(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def _each(value: Any) -> Any:
    """The values of a list; what stands in the place of a list and is none is one value, for its judge to refuse."""
    return (value,) if value.__class__ is Broken else value or ()


FUNCTIONS["each"] = _each


class _ItemCode:
    """Writes the expression that gives the status of one item for the object `o`. What it calls is put among *names*."""

    def __init__(
        self, item: Item, number: int, petals: Mapping[str, int], judges: Judges, names: dict[str, Any]
    ) -> None:
        self._item, self._number, self._petals = item, number, petals
        self._condition = condition_code(item.condition, petals) if item.condition is not None else ""
        self._forbidden = condition_code(item.forbidden, petals) if item.forbidden is not None else ""
        self._judges = [judges.of(item, path) for path in item.slots]
        if self._is_single:
            names[f"judge{number}"] = self._judges[0] or _plain
        else:
            for index, path in enumerate(item.slots):
                names[f"path{number}_{index}"] = _PathCode(path, petals, self._judges[index] or _plain).function()

    def expression(self) -> str:
        """The expression, an `int` of `Status`."""
        present, missing = self._present(), int(Status.MISSING)
        may_be_empty = any(path.range == "CodedValue" for path in self._item.slots)
        status = "s" if may_be_empty else present
        judged = f"({int(Status.CONDITION_BROKEN)} if {self._forbidden} else {status})" if self._forbidden else status
        if may_be_empty:  # a coded value in which nothing stands is as good as none
            judged = f"({self._missing()} if (s := {present}) == {missing} else {judged})"
        whole = f"({self._missing()} if {self._value_is_absent()} else {judged})"
        if self._item.otherwise == "ignore" and self._condition:
            return f"({whole} if {self._condition} else {int(Status.NOT_APPLICABLE)})"
        return whole

    def _missing(self) -> str:
        """Missing, or not applicable where the condition or the petal of the item does not hold."""
        binds = [self._condition] if self._condition and self._item.otherwise != "ignore" else []
        if self._forbidden and self._item.otherwise != "absent":
            binds.append(f"not {self._forbidden}")
        if self._item.petal != CORE:
            binds.append(f"p[{self._petals[self._item.petal]}]")
        missing, not_applicable = int(Status.MISSING), int(Status.NOT_APPLICABLE)
        return f"({missing} if {' and '.join(binds)} else {not_applicable})" if binds else str(missing)

    @property
    def _is_single(self) -> bool:
        """Whether the item is one slot of one value of the object."""
        path = self._item.slots[0]
        return len(self._item.slots) == 1 and path.is_plain and not path.steps[0].multivalued and not path.from_record

    def _value_is_absent(self) -> str:
        """The test for absence, which binds to `v` what the rest of the expression needs: the value, or the statuses of several."""
        if not self._is_single:
            calls = " + ".join(f"path{self._number}_{index}(o, h, r, p)" for index in range(len(self._item.slots)))
            return f"not (v := {calls})"
        slot = self._item.slots[0].steps[0]
        is_text = slot.range == "string"
        return f"is_blank(v := get({slot.slot!r}))" if is_text else f"(v := get({slot.slot!r})) is None"

    def _present(self) -> str:
        if not self._is_single:
            is_one_list = len(self._item.slots) == 1 and self._item.slots[0].is_plain
            return f"worst_of(v, {self._item.at_most if is_one_list else None!r})"
        if self._judges[0] is not None:
            return f"judge{self._number}(v)"
        return f"(int(v.status) if v.__class__ is Broken else {int(Status.FILLED)})"


class _PathCode:
    """The statuses of the values at the end of a path, as a function of the object."""

    def __init__(self, path: HubPath, petals: Mapping[str, int], judge: Callable[[Any], int]) -> None:
        self._path, self._petals, self._judge = path, petals, judge

    def function(self) -> Callable[..., list[int]]:
        """`f(o, h, r, p)`, which gives the list of the statuses."""
        lines, indent, holder = _walk(self._path, "start", self._petals)
        start = "r" if self._path.from_record else "o"
        lines = [
            f"def found(o, h, r, p):\n    statuses = []\n    start = {start}\n",
            *lines,
            f"{indent}if not is_blank({holder}):\n{indent}    statuses.append(judge({holder}))\n    return statuses\n",
        ]
        scope = _executed("".join(lines), f"path {self._path.text}", {"judge": self._judge})
        made: Callable[..., list[int]] = scope["found"]
        return made


def _plain(value: Any) -> int:
    return int(value.status) if value.__class__ is Broken else Status.FILLED


FUNCTIONS["is_blank"] = is_blank


def _worst_of(statuses: list[int], at_most: int | None) -> int:
    """The worst status of several values; too many of them where there are more than *at_most*."""
    status = max(statuses)
    if at_most is not None and len(statuses) > at_most and status < Status.WRONG_CODE:
        return Status.TOO_MANY
    return status


def _objects(owner: DatasetClass, record: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any, Any, str]]]:
    """The objects of a class in *record*: JSON Pointer, and the arguments that grade it (object, holder, record, slot)."""
    for path in owner.paths:
        if not path.steps:
            yield "", (record, None, record, "")
            continue
        for pointer, one, holder in _along(path.steps, ("", record, None), record):
            yield pointer, (one, holder, record, path.steps[-1].slot)


_Found = tuple[str, Any, Any]
"""JSON Pointer, object, and the object that holds it."""


def _along(steps: tuple[Step, ...], start: _Found, record: Any) -> list[_Found]:
    """What stands at the end of *steps* from *start*."""
    level = [start]
    for step in steps:
        following: list[_Found] = []
        for pointer, holder, _ in level:
            value = holder.get(step.slot)
            several = list(_each(value)) if step.multivalued else [] if value is None else [value]
            for index, one in enumerate(several):
                if step.where is None or holds(step.where, one, holder, record):
                    suffix = f"/{index}" if step.multivalued and value.__class__ is not Broken else ""
                    following.append((f"{pointer}/{step.slot}{suffix}", one, holder))
        level = following
    return level


def _values_at(path: HubPath, start: _Found, record: Any) -> Iterator[tuple[str, Any]]:
    """The values of a path with their places; None where the last object on the way has none."""
    last = path.steps[-1:]
    for holder in _along(path.steps[:-1], start, record):
        values = _along(last, holder, record)
        yield from ((pointer, value) for pointer, value, _ in values)
        if not values:
            yield f"{holder[0]}/{path.steps[-1].slot}", None


def holds(condition: Condition, value: Any, holder: Any, record: Any) -> bool:
    """Whether *condition*, by which a path selects, holds for one object."""
    return bool(_selector(condition)(value, holder, record))


@lru_cache(maxsize=1_000)
def _selector(condition: Condition) -> Callable[[Any, Any, Any], bool]:
    text = f"def holds(o, h, r, p=(), via=''):\n    return {condition_code(condition, {})}\n"
    made: Callable[[Any, Any, Any], bool] = _executed(text, "condition", {})["holds"]
    return made
