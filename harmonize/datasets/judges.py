"""Judges of single values: is a code in the value set of the item, is a date a day of the calendar, may a NullFlavor stand here.

A judge is compiled once for an item and called for every value; it gives a `Status`. Equal values are judged once.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from harmonize.datasets.hub_paths import HubPath
from harmonize.datasets.specification import Item, ValueSet
from harmonize.datasets.statuses import Status
from harmonize.terminology.answers import NotChecked, Unknown
from harmonize.terminology.notation import Code, load_systems
from harmonize.terminology.patterns import compile_pattern
from harmonize.terminology.store import Terminologies

_T = TypeVar("_T")
Judge = Callable[[Any], int]
_KEPT = 100_000
"""Distinct values of an item that are kept with their answer."""


class Broken(dict[str, Any]):
    """Stands where a record holds what the hub schema does not allow, or what nobody can compare, so that the rest can be judged.

    It is there, though nothing is in it. `status` is what is wrong with it, `why` the reason in words.
    """

    def __init__(self, status: Status = Status.WRONG_TYPE, why: str = "") -> None:
        super().__init__()
        self.status, self.why = status, why

    def __bool__(self) -> bool:
        return True


def is_blank(value: Any) -> bool:
    """Whether *value* is nothing, or a text of nothing but blanks.

    >>> is_blank(None), is_blank("  "), is_blank("0"), is_blank(Broken())
    (True, True, False, False)
    """
    return value is None or (value.__class__ is str and not value.strip())


class Judges:
    """Makes the judges of a data set's items. `unchecked` names the value sets whose codes nobody could look up, as they are met."""

    def __init__(self, value_sets: Mapping[str, ValueSet], terminologies: Terminologies) -> None:
        self._sets, self._terminologies = value_sets, terminologies
        self._made: dict[tuple[str, str], Judge | None] = {}
        self.unchecked: set[tuple[str, str]] = set()

    def of(self, item: Item, path: HubPath) -> Judge | None:
        """The judge of one value of *item* at *path*; None where every value that the hub schema allows will do."""
        key = (item.id, path.text)
        if key not in self._made:
            self._made[key] = self._make(item, path)
        return self._made[key]

    def _make(self, item: Item, path: HubPath) -> Judge | None:
        values = self._sets.get(item.value_set or "")
        if path.range == "CodedValue":
            return self._coded(item, values)
        if path.range == "PartialDate":
            return _dates()
        is_coded_elsewhere = "CodedValue" in item.ranges  # the value set is then about the coded alternatives
        if path.range == "string" and (item.pattern or (values is not None and not is_coded_elsewhere)):
            return self._text(item, None if is_coded_elsewhere else values)
        return None

    def _coded(self, item: Item, values: ValueSet | None) -> Judge:
        allowed, text_allowed = item.null_flavors, values is None or values.text
        is_member = self._membership(values)
        known: dict[str, bool] = {}

        def judge(value: Any) -> int:
            codings = value.get("codings")
            if codings:
                for coding in codings:
                    code = coding["code"]
                    member = known.get(code)
                    if member is None:
                        member = _keep(known, code, is_member(code))
                    if member:
                        return Status.FILLED
                return Status.WRONG_CODE
            flavor = value.get("null_flavor")
            if flavor is not None:
                return Status.NULL_FLAVOR if flavor in allowed else Status.NULL_FLAVOR_REFUSED
            if value.__class__ is Broken:
                return int(value.status)
            if is_blank(value.get("text")):
                return Status.MISSING
            return Status.FILLED if text_allowed else Status.WRONG_CODE

        return judge

    def _membership(self, values: ValueSet | None) -> Callable[[str], bool]:
        if values is None or (values.text and not (values.values or values.systems or values.descendants_of)):
            return lambda code: True
        listed = frozenset(value.code for value in values.values)
        form = compile_pattern(values.code_pattern) if values.code_pattern else None

        def is_member(code: str) -> bool:
            system = code.partition(":")[0]
            if code in listed:
                return True
            if system in values.systems:
                if form is not None and not form.fullmatch(code.partition(":")[2]):
                    return False
                return self._is_of_system(code, system, values.name)
            roots = [root for root in values.descendants_of if root.partition(":")[0] == system]
            return bool(roots) and self._is_below(code, system, roots, values.name)

        return is_member

    def _is_of_system(self, code: str, system: str, value_set: str) -> bool:
        """Where the system is not installed, every code in its notation passes and the value set is named as not checked."""
        answer = self._terminologies.lookup(code)
        if isinstance(answer, NotChecked):
            self.unchecked.add((value_set, system))
            return isinstance(load_systems().parse(code, system), Code)
        return not isinstance(answer, Unknown)

    def _is_below(self, code: str, system: str, roots: Iterable[str], value_set: str) -> bool:
        if isinstance(self._terminologies.lookup(code), NotChecked):
            return self._is_of_system(code, system, value_set)
        return any(self._terminologies.is_a(code, root) for root in roots)

    def _text(self, item: Item, values: ValueSet | None) -> Judge:
        pattern = compile_pattern(item.pattern) if item.pattern else None
        systems, name = (values.systems, values.name) if values else ((), "")
        known: dict[str, int] = {}

        def judge(value: Any) -> int:
            if value.__class__ is Broken:
                return int(value.status)
            status = known.get(value)
            return _keep(known, value, decide(value)) if status is None else status

        def decide(text: str) -> int:
            if pattern is not None and not pattern.fullmatch(text):
                return Status.WRONG_TEXT
            if systems and not any(self._is_of_system(f"{system}:{text}", system, name) for system in systems):
                return Status.WRONG_CODE
            return Status.FILLED

        return judge


def _keep(known: dict[str, _T], key: str, answer: _T) -> _T:
    if len(known) >= _KEPT:
        known.clear()
    known[key] = answer
    return answer


def _dates() -> Judge:
    known: dict[tuple[Any, Any], int] = {}

    def judge(value: Any) -> int:
        if value.__class__ is Broken:
            return int(value.status)
        key = (value.get("value"), value.get("precision"))
        status = known.get(key)
        if status is None:
            if len(known) >= _KEPT:
                known.clear()
            status = known[key] = Status.FILLED if is_date(*key) else Status.WRONG_DATE
        return status

    return judge


def is_date(text: Any, precision: Any) -> bool:
    """Whether *text* is a date of the calendar, cut where its *precision* says.

    >>> is_date("2019-02", "month"), is_date("2019-00-00", "day"), is_date("2019-02-31", "day"), is_date("2019", "day")
    (True, False, False, False)
    """
    if not isinstance(text, str) or precision != {4: "year", 7: "month", 10: "day"}.get(len(text)):
        return False
    try:
        datetime.date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return False
    return True
