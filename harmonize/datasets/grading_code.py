"""The code of grading: for each class of a data set one function that gives the statuses of its items for one object.

It is written as Python text of slot names of the hub and constants alone, compiled once and run for every object. In the text
`o` is the object, `h` its holder, `r` the record, `p` the petals in use, `via` the slot that holds the object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from harmonize.datasets.condition_code import CONDITION_FUNCTIONS, condition_code
from harmonize.datasets.conditions import Condition
from harmonize.datasets.hub_paths import HubPath, is_value
from harmonize.datasets.judges import Broken, Judges, is_blank
from harmonize.datasets.specification import CORE, DatasetClass, Item, Petal
from harmonize.datasets.statuses import Status, worst

Pattern = tuple[int, ...]
"""The statuses of the items of a class for one object, in the order of the items."""


class ClassCode(NamedTuple):
    """The functions of a class: `one` grades one object, `all` those of a record, counting their patterns."""

    one: Callable[..., Pattern]
    all: Callable[..., Pattern | None]


def class_code(
    owner: DatasetClass,
    items: tuple[Item, ...],
    petals: Mapping[str, int],
    judges: Judges,
    absent: Mapping[str, Status],
) -> ClassCode:
    """The functions for *items* of the class *owner*; *petals*: the place of each in `p`; *absent*: what absence says of an item."""
    names: dict[str, Any] = {}
    lines = [
        _ItemCode(item, number, petals, judges, names, absent[item.id]).expression()
        for number, item in enumerate(items)
    ]
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
    return ClassCode(made["one"], made["all_of"])


def petals_code(petals: Mapping[str, Petal], numbers: Mapping[str, int]) -> Callable[[Any], tuple[bool, ...]]:
    """Which petals a record shows that it belongs to, in their order; one without a condition is never shown."""
    codes = [
        "False" if petal.applies is None else f"bool({condition_code(petal.applies, numbers)})"
        for petal in petals.values()
    ]
    text = f"def of(r):\n    o = r\n    return ({''.join(f'{code}, ' for code in codes)})\n"
    made: Callable[[Any], tuple[bool, ...]] = _executed(text, "petals", {})["of"]
    return made


def holds(condition: Condition, value: Any, holder: Any, record: Any) -> bool:
    """Whether *condition*, by which a path selects, holds for one object."""
    return bool(_selector(condition)(value, holder, record))


@lru_cache(maxsize=1_000)
def _selector(condition: Condition) -> Callable[[Any, Any, Any], bool]:
    text = f"def holds(o, h, r, p=(), via=''):\n    return {condition_code(condition, {})}\n"
    made: Callable[[Any, Any, Any], bool] = _executed(text, "condition", {})["holds"]
    return made


def _executed(text: str, what: str, names: dict[str, Any]) -> dict[str, Any]:
    """The functions that *text* defines. It is made by this module of slot names of the hub and constants alone."""
    scope = {**_FUNCTIONS, **names}
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


class _ItemCode:
    """Writes the expression that gives the status of one item for the object `o`. What it calls is put among *names*."""

    def __init__(
        self,
        item: Item,
        number: int,
        petals: Mapping[str, int],
        judges: Judges,
        names: dict[str, Any],
        absent: Status,
    ) -> None:
        self._item, self._number, self._petals, self._absent = item, number, petals, absent
        self._condition = condition_code(item.condition, petals) if item.condition is not None else ""
        self._forbidden = condition_code(item.forbidden, petals) if item.forbidden is not None else ""
        self._judges = [judges.of(item, path) for path in item.slots]
        if self._is_single:
            names[f"judge{number}"] = self._judges[0] or plain_judge
        else:
            for index, path in enumerate(item.slots):
                names[f"path{number}_{index}"] = _PathCode(path, petals, self._judges[index] or plain_judge).function()

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
        """Missing (or not checked), or not applicable where the condition or the petal of the item does not hold."""
        binds = [self._condition] if self._condition and self._item.otherwise != "ignore" else []
        if self._forbidden and self._item.otherwise != "absent":
            binds.append(f"not {self._forbidden}")
        if self._item.petal != CORE:
            binds.append(f"p[{self._petals[self._item.petal]}]")
        missing, not_applicable = int(self._absent), int(Status.NOT_APPLICABLE)
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


def plain_judge(value: Any) -> int:
    """The judge of values that need none: whatever the hub schema allows will do."""
    return int(value.status) if value.__class__ is Broken else Status.FILLED


def each(value: Any) -> Any:
    """The values of a list; what stands in the place of a list and is none is one value, for its judge to refuse."""
    return (value,) if value.__class__ is Broken else value or ()


def _worst_of(statuses: list[int], at_most: int | None) -> int:
    """The worst status of several values; too many of them where there are more than *at_most*."""
    status = max(statuses)
    if at_most is not None and len(statuses) > at_most and status < Status.WRONG_CODE:
        return Status.TOO_MANY
    return status


_FUNCTIONS: Mapping[str, Any] = MappingProxyType(
    {
        **CONDITION_FUNCTIONS,
        "Broken": Broken,
        "each": each,
        "is_blank": is_blank,
        "worst": worst,
        "worst_of": _worst_of,
    }
)
"""What the text calls beside the judges of its items."""
