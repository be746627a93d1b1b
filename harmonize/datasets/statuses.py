"""What a record can say of an item. The worst of several objects is what the record says, so the order matters."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """How an item stands in an object or in a record; what is greater is worse. All from WRONG_CODE on are invalid."""

    NOT_APPLICABLE = 0
    FILLED = 1
    NULL_FLAVOR = 2
    MISSING = 3
    WRONG_CODE = 4
    NULL_FLAVOR_REFUSED = 5
    WRONG_DATE = 6
    CONDITION_BROKEN = 7
    WRONG_TYPE = 8
    TOO_MANY = 9
    WRONG_TEXT = 10


COUNTED = ("filled", "null_flavor", "missing", "not_applicable", "invalid")
"""The five counts of an item; they add up to the records."""

_COUNTED_AS = {
    Status.NOT_APPLICABLE: "not_applicable",
    Status.FILLED: "filled",
    Status.NULL_FLAVOR: "null_flavor",
    Status.MISSING: "missing",
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
    """Under which of the five counts *status* falls.

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
