"""What a record can say of an item. The worst of several objects is what the record says, so the order matters."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """How an item stands in an object or in a record; what is greater is worse. All from WRONG_CODE on are invalid."""

    NOT_APPLICABLE = 0
    FILLED = 1
    NULL_FLAVOR = 2
    NOT_CHECKED = 3
    """Nobody could look: of records of another format alone."""
    MISSING = 4
    WRONG_CODE = 5
    NULL_FLAVOR_REFUSED = 6
    WRONG_DATE = 7
    CONDITION_BROKEN = 8
    WRONG_TYPE = 9
    TOO_MANY = 10
    WRONG_TEXT = 11


COUNTED = ("filled", "null_flavor", "missing", "not_applicable", "invalid", "not_checked")
"""The six counts of an item; they add up to the records."""

_COUNTED_AS = {
    Status.NOT_APPLICABLE: "not_applicable",
    Status.FILLED: "filled",
    Status.NULL_FLAVOR: "null_flavor",
    Status.MISSING: "missing",
    Status.NOT_CHECKED: "not_checked",
}

INVALID_RULES = {
    Status.WRONG_CODE: "dataset.code",
    Status.NULL_FLAVOR_REFUSED: "dataset.null-flavor",
    Status.WRONG_DATE: "dataset.date",
    Status.CONDITION_BROKEN: "dataset.condition",
    Status.WRONG_TYPE: "dataset.type",
    Status.TOO_MANY: "dataset.cardinality",
    Status.WRONG_TEXT: "dataset.text",
}
"""The rule that each invalid status breaks."""


def counted_as(status: int) -> str:
    """Under which of the six counts *status* falls.

    >>> counted_as(Status.WRONG_DATE)
    'invalid'
    """
    return _COUNTED_AS.get(Status(status), "invalid")


def worst(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """Item by item the worse of two.

    >>> worst((1, 3), (2, 0))
    (2, 3)
    """
    return tuple(map(max, first, second))
