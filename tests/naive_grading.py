"""Grading written a second time, slowly and plainly, as the judge of the compiled one: it interprets where that compiles."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from typing import Any

from harmonize.datasets import conditions as c
from harmonize.datasets.specification import Dataset, Item, ValueSet
from harmonize.terminology.answers import NotChecked, Unknown
from harmonize.terminology.notation import Code, load_systems
from harmonize.terminology.store import Terminologies

TERMS = Terminologies.installed()
ORDER = ("not_applicable", "filled", "null_flavor", "missing", "invalid")


def follow(start: Any, slots: tuple[str, ...]) -> list[Any]:
    found = [start]
    for slot in slots:
        following = [holder[slot] for holder in found if slot in holder and holder[slot] is not None]
        found = [one for value in following for one in (value if isinstance(value, list) else [value])]
    return found


class Scene:
    """What a condition can look at."""

    def __init__(self, value: Any, holder: Any, record: Any, petals: set[str], via: str) -> None:
        self.value, self.holder, self.record, self.petals, self.via = value, holder, record, petals, via

    def values(self, path: c.SlotPath) -> list[Any]:
        base = {"object": self.value, "holder": self.holder, "record": self.record}[path.base]
        return follow(base, path.slots)

    def holds(self, condition: c.Condition) -> bool:
        match condition:
            case c.Every(conditions=several):
                return all(map(self.holds, several))
            case c.Either(conditions=several):
                return any(map(self.holds, several))
            case c.Not(condition=inner):
                return not self.holds(inner)
            case c.Petal(name=name):
                return name in self.petals
            case c.ComesFrom(slots=slots):
                return self.via in slots
            case c.Filled(path=path):
                return any(
                    not (isinstance(v, dict) and "null_flavor" in v and "codings" not in v) for v in self.values(path)
                )
            case c.HasSystem(path=path, systems=systems):
                codes = [coding["code"] for v in self.values(path) for coding in v.get("codings", [])]
                return any(code.split(":")[0] in systems for code in codes)
            case c.AnyOf(path=path, condition=inner):
                return any(Scene(v, self.value, self.record, self.petals, "").holds(inner) for v in self.values(path))
            case c.Compare(path=path, values=constants, negated=negated):
                said: list[Any] = []
                for v in self.values(path):
                    said += (
                        [coding["code"] for coding in v.get("codings", [])] + [v.get("null_flavor")]
                        if isinstance(v, dict)
                        else [v]
                    )
                return negated != any(
                    type(one) is type(constant) and one == constant for one in said for constant in constants
                )
        raise AssertionError(condition)


def walk(paths: Any, record: Any) -> Iterator[tuple[Any, Any, str]]:
    """Objects of a class, with holder and slot."""
    for path in paths:
        level: list[tuple[Any, Any, str]] = [(record, None, "")]
        for step in path.steps:
            level = [
                (one, holder, step.slot)
                for holder, _, _ in level
                for one in follow(holder, (step.slot,))
                if step.where is None or Scene(one, holder, record, set(), "").holds(step.where)
            ]
        yield from level


def is_member(code: str, values: ValueSet) -> bool:
    system = code.split(":")[0]
    if any(value.code == code for value in values.values):
        return True
    answer = TERMS.lookup(code)
    well_formed = isinstance(load_systems().parse(code, system), Code) if system in load_systems() else False
    if system in values.systems:
        if values.code_pattern and not re.fullmatch(values.code_pattern, code.split(":", 1)[1]):
            return False
        return well_formed if isinstance(answer, NotChecked) else not isinstance(answer, Unknown)
    roots = [root for root in values.descendants_of if root.split(":")[0] == system]
    if not roots:
        return False
    return well_formed if isinstance(answer, NotChecked) else any(root in TERMS.ancestors(code) for root in roots)


def judged(value: Any, range_name: str, item: Item, dataset: Dataset) -> str:
    values = dataset.value_sets.get(item.value_set or "")
    if range_name == "CodedValue":
        if value.get("codings"):
            is_open = values is None or (values.text and not (values.values or values.systems or values.descendants_of))
            return (
                "filled"
                if is_open or any(is_member(coding["code"], values) for coding in value["codings"])
                else "invalid"
            )
        if value.get("null_flavor"):
            return "null_flavor" if value["null_flavor"] in item.null_flavors else "invalid"
        return "missing" if not value.get("text") else "filled" if values is None or values.text else "invalid"
    if range_name == "PartialDate":
        return "filled" if is_day(value["value"], value["precision"]) else "invalid"
    if range_name == "string" and item.pattern and not re.fullmatch(item.pattern, value):
        return "invalid"
    if range_name == "string" and values is not None and values.systems and "CodedValue" not in item.ranges:
        return "filled" if any(is_member(f"{system}:{value}", values) for system in values.systems) else "invalid"
    return "filled"


def is_day(text: str, precision: str) -> bool:
    parts = [int(part) for part in text.split("-")]
    if len(parts) != ("year", "month", "day").index(precision) + 1 or parts[0] == 0:
        return False
    if len(parts) > 1 and not 1 <= parts[1] <= 12:
        return False
    return len(parts) < 3 or 1 <= parts[2] <= calendar.monthrange(parts[0], parts[1])[1]


def item_status(item: Item, scene: Scene, dataset: Dataset) -> str:
    words = [
        judged(value, path.range, item, dataset)
        for path in item.slots
        for value, *_ in walk([path], scene.record if path.from_record else scene.value)
        if not isinstance(value, str) or value.strip()
    ]
    condition_holds = item.condition is None or scene.holds(item.condition)
    if item.otherwise == "ignore" and not condition_holds:
        return "not_applicable"
    if words and max(words, key=ORDER.index) != "missing":
        if item.forbidden is not None and scene.holds(item.forbidden):
            return "invalid"
        is_list = len(item.slots) == 1 and item.slots[0].is_plain and item.slots[0].steps[0].multivalued
        too_many = is_list and item.at_most is not None and len(words) > item.at_most
        return "invalid" if too_many else max(words, key=ORDER.index)
    binds = condition_holds and (item.petal == "core" or item.petal in scene.petals)
    if item.forbidden is not None and item.otherwise != "absent" and scene.holds(item.forbidden):
        binds = False
    return "missing" if binds else "not_applicable"


def by_petals(condition: c.Condition, petals: set[str]) -> bool | None:
    """What the petals say of a condition: tried with every other part true, and with every other part false."""
    answers = {with_the_rest(condition, petals, rest) for rest in (True, False)}
    return answers.pop() if len(answers) == 1 else None


def with_the_rest(condition: c.Condition, petals: set[str], rest: bool) -> bool:
    match condition:
        case c.Petal(name=name):
            return name in petals
        case c.Not(condition=inner):
            return not with_the_rest(inner, petals, not rest)
        case c.Every(conditions=several):
            return all(with_the_rest(one, petals, rest) for one in several)
        case c.Either(conditions=several):
            return any(with_the_rest(one, petals, rest) for one in several)
    return rest


def naive_grade(record: dict[str, Any], dataset: Dataset, version: str) -> dict[str, str]:
    """The word of each item for *record*."""
    scene = Scene(record, None, record, set(), "")
    petals = {name for name, petal in dataset.petals.items() if petal.applies and scene.holds(petal.applies)}
    result = {}
    for item in dataset.items_of(version):
        owner = dataset.classes[item.class_name]
        words = [
            item_status(item, Scene(one, holder, record, petals, via), dataset)
            for one, holder, via in walk(owner.paths, record)
        ]
        is_asked = item.petal in {"core", *petals} and (
            item.condition is None or by_petals(item.condition, petals) is True
        )
        absent = "missing" if owner.required and is_asked else "not_applicable"
        result[item.id] = max(words, key=ORDER.index) if words else absent
    return result
