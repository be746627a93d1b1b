"""Branching logic of a form: the condition under which a field is shown, stated in source.yaml as `annotations: {branching}`.

Source: REDCap, *Branching Logic*. Read are `[field] = 'code'`, `[field(code)] = '1'` of checkboxes, `<> != < > <= >=`,
`and`, `or` and parentheses. What else REDCap knows (functions, events, smart variables) is not judged: the answer is None,
never a guess. A value in a field that its form hides is said, and carried: it was entered before the other answer changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from harmonize.findings import Cell
from harmonize.profiles.source_record import SourceObject
from harmonize.profiles.specification import Profile

Fields = Callable[[str], str]
"""The text of a field, empty where it is blank."""
Holds = Callable[[Fields], bool]


class Condition(NamedTuple):
    """A condition: whether it holds for given fields, and the columns that it asks."""

    holds: Holds
    columns: frozenset[str]


def checkbox_column(field: str, code: str) -> str:
    """The column of an export that says whether a choice is checked.

    >>> checkbox_column("symptoms", "HP:0001250"), checkbox_column("test", "-1")
    ('symptoms___hp_0001250', 'test____1')
    """
    return f"{field}___{re.sub('[^a-z0-9_]', '_', code.lower())}"


_TOKEN = re.compile(
    r"""\s*(?:\[(?P<field>[a-z][a-z0-9_]*)(?:\((?P<box>[^()\[\]]{1,60})\))?\](?!\s*\[)"""
    r"""|'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<compare><>|!=|<=|>=|=|<|>)|(?P<word>and|or)\b|(?P<bracket>[()]))""",
    re.IGNORECASE,
)
MAX_LENGTH = 4_000
MAX_DEPTH = 20


def parse_condition(text: str) -> Condition | None:
    """The condition *text*, or None where it holds what is not judged.

    >>> shown = parse_condition("[coding] = 'omim' and ([age] >= 18 or [kind(2)] = '1')")
    >>> shown.holds({"coding": "omim", "kind___2": "1"}.get), shown.holds({"coding": "mondo"}.get)
    (True, False)
    >>> sorted(shown.columns)
    ['age', 'coding', 'kind___2']
    >>> parse_condition("datediff([a], [b], 'y') > 1") is None
    True
    """
    tokens = list(_tokens(text)) if len(text) <= MAX_LENGTH else []
    if not tokens or None in tokens:
        return None
    try:
        holds, rest = _either([t for t in tokens if t is not None], 0, 0)
    except _NotJudgedError:
        return None
    columns = frozenset(text for kind, text in filter(None, tokens) if kind == "field")
    return Condition(holds, columns) if rest == len(tokens) else None


class _NotJudgedError(ValueError):
    """The text goes beyond what is read here."""


Token = tuple[str, str]


def _tokens(text: str) -> Iterator[Token | None]:
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            yield None
            return
        place = match.end()
        kind = str(match.lastgroup)
        if match["field"] is not None:
            box = match["box"]
            yield "field", match["field"] if box is None else checkbox_column(match["field"], box)
        else:
            yield ("text" if kind in ("single", "double", "number") else kind), str(match[kind]).lower()


def _either(tokens: list[Token], place: int, depth: int) -> tuple[Holds, int]:
    parts, place = _chain(tokens, place, depth, "or", _all)
    return (parts[0] if len(parts) == 1 else lambda fields: any(part(fields) for part in parts)), place


def _all(tokens: list[Token], place: int, depth: int) -> tuple[Holds, int]:
    parts, place = _chain(tokens, place, depth, "and", _single)
    return (parts[0] if len(parts) == 1 else lambda fields: all(part(fields) for part in parts)), place


def _chain(
    tokens: list[Token],
    place: int,
    depth: int,
    word: str,
    inner: Callable[[list[Token], int, int], tuple[Holds, int]],
) -> tuple[list[Holds], int]:
    first, place = inner(tokens, place, depth)
    parts = [first]
    while place < len(tokens) and tokens[place] == ("word", word):
        part, place = inner(tokens, place + 1, depth)
        parts.append(part)
    return parts, place


def _single(tokens: list[Token], place: int, depth: int) -> tuple[Holds, int]:
    if depth > MAX_DEPTH or place >= len(tokens):
        raise _NotJudgedError
    if tokens[place] == ("bracket", "("):
        condition, place = _either(tokens, place + 1, depth + 1)
        if place >= len(tokens) or tokens[place] != ("bracket", ")"):
            raise _NotJudgedError
        return condition, place + 1
    if place + 2 >= len(tokens) or tokens[place + 1][0] != "compare":
        raise _NotJudgedError
    left, right = _operand(tokens[place]), _operand(tokens[place + 2])
    compare = _COMPARISONS[tokens[place + 1][1]]
    return (lambda fields: compare(left(fields), right(fields))), place + 3


def _operand(token: Token) -> Callable[[Fields], str]:
    kind, text = token
    if kind == "field":
        blank = "0" if "___" in text else ""  # a box that is not checked is 0, and no value where rows are read
        return lambda fields: fields(text) or blank
    if kind == "text":
        return lambda fields: text
    raise _NotJudgedError


def _ordered(holds: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    """A comparison of numbers; texts that are none have no order, so the condition does not hold."""

    def compare(left: str, right: str) -> bool:
        try:
            return holds(Decimal(left), Decimal(right))
        except InvalidOperation:
            return False

    return compare


_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda left, right: left.lower() == right.lower(),
    "<>": lambda left, right: left.lower() != right.lower(),
    "!=": lambda left, right: left.lower() != right.lower(),
    "<": _ordered(lambda left, right: left < right),
    ">": _ordered(lambda left, right: left > right),
    "<=": _ordered(lambda left, right: left <= right),
    ">=": _ordered(lambda left, right: left >= right),
}


class HiddenFields:
    """The conditions of a profile's source classes, and the values that stand in fields that are hidden."""

    def __init__(self, profile: Profile, columns: Collection[str] | None = None) -> None:
        """*columns* are those that the input has; a condition that asks another one is not judged. None: it has all."""
        self._conditions: dict[str, list[tuple[str, Condition]]] = {}
        for name, slots in profile.source.classes.items():
            for slot in slots.values():
                condition = parse_condition(slot.branching) if slot.branching else None
                if condition is not None and (columns is None or condition.columns <= set(columns)):
                    self._conditions.setdefault(name, []).append((slot.name, condition))
        self._classes = profile.source.classes
        self._root = profile.source.root

    def cells(self, record: SourceObject) -> Iterator[Cell]:
        """The cells of *record* that hold a value although the form hides the field."""
        if self._conditions:
            yield from self._below(record, self._root, {})

    def _below(self, value: SourceObject, source_class: str, above: Mapping[str, str]) -> Iterator[Cell]:
        texts = {**above, **{name: item for name, item in value.items() if isinstance(item, str)}}
        singles = [v for v in value.values() if isinstance(v, SourceObject)]
        for single in singles:  # forms that are there once can be asked by all others
            texts.update({name: item for name, item in single.items() if isinstance(item, str)})
        for name, condition in self._conditions.get(source_class, ()):
            if name in value and not condition.holds(lambda field: texts.get(field, "")):
                yield from value.cells(name)
        for name, item in value.items():
            for inner in item if isinstance(item, list) else [item]:
                if isinstance(inner, SourceObject):
                    yield from self._below(inner, self._classes[source_class][name].range, texts)
