"""Days of the calendar as regular expressions that JSON Schema and SHACL both read: without look-ahead."""

from __future__ import annotations

from harmonize.exports.claims import Claim, IsOneOf, Matches, Some, either, every

_YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
_LEAP_YEAR = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
_MONTH = f"{_YEAR}-(0[1-9]|1[0-2])"
_DAY = (
    f"{_YEAR}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    f"|{_YEAR}-(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    f"|{_YEAR}-02-(0[1-9]|1[0-9]|2[0-8])"
    f"|{_LEAP_YEAR}-02-29"
)


ANY_DATE = f"({_DAY}|{_MONTH}|{_YEAR})"
"""A day, a month or a year of the calendar."""


def _cut(precision: str, pattern: str) -> Claim:
    return every([Some("precision", False, IsOneOf((precision,))), Some("value", False, Matches(pattern))])


IS_DATE = either([_cut("day", _DAY), _cut("month", _MONTH), _cut("year", _YEAR)])
"""The partial date is one of the calendar, cut where its precision says."""
