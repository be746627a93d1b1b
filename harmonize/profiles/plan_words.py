"""What a compiled plan says of values where their text says nothing by itself, and when two values say the same."""

from __future__ import annotations

from typing import Any

from harmonize.findings import Outcome, Severity
from harmonize.profiles.notes import Noted

UNKNOWN_VALUE = Noted(
    None,
    "mapping.value",
    Severity.WARNING,
    Outcome.UNMAPPED,
    "the value is none of those that the map knows",
    "add it to value_mappings, or correct the source",
)
SECOND_CHOICE = Noted(
    None,
    "mapping.second-choice",
    Severity.INFO,
    Outcome.DROPPED,
    "another column of the same row states this and is preferred",
    None,
)
UNDECIDED = Noted(
    None,
    "mapping.incomplete",
    Severity.WARNING,
    Outcome.DROPPED,
    "it cannot be read whether this was observed or excluded, so neither is said",
    "correct the column that says whether it is there",
)
INCOMPLETE = Noted(
    None,
    "mapping.incomplete",
    Severity.WARNING,
    Outcome.DROPPED,
    "what this value belongs to is missing, so the value says nothing",
    "fill or correct the other column",
)


def agrees(other: Any, chosen: Any) -> bool:
    """Whether *other* says the same as *chosen*, or less of the same: a year beside a day of that year.

    >>> agrees({"value": "1990", "precision": "year"}, {"value": "1990-02-28", "precision": "day"})
    True
    """
    if other == chosen:
        return True
    dates = isinstance(other, dict) and isinstance(chosen, dict) and "precision" in other and "precision" in chosen
    return dates and str(chosen["value"]).startswith(other["value"])
