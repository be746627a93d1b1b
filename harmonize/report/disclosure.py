"""Disclosure control: counts of few persons are not shown, and cannot be worked out from what is shown.

`disclosed` takes counts that add up (`harmonize.report.count_table`) and gives for each cell what may be shown: the number, the number
rounded, or SUPPRESSED.

**What is guaranteed.** Let k be the threshold. Somebody knows all that is shown, all sums, that counts are whole and not negative, k,
and even which of the suppressed cells are the small ones. Then for every small count (1 to k - 1) all values from 1 to k - 1 are still
possible; where zeros are suppressed too, all from 0 to k - 1. Each of these is shown to be possible by a table of whole numbers with
the same published numbers. Of a part of the table that is not shown at all nothing can be known but that a count in it is small.

**Zeros** are shown: a report that says `0 missing` must say so. They are suppressed among the parts of a small total, where they would
tell where its persons are, and around counts that cannot be protected otherwise; with `hide_zeros` they always are, for a zero
says of everybody in its group what they are not.

**What is not guaranteed.** Against somebody who knows single persons of a small count (each of them can take himself away); against
somebody who runs this very algorithm on each possible table and compares what it suppresses; between two reports that are
not given together or one after the other (`after`); for percentages: give only those of cells that are shown.
Source: Hundepool et al., Statistical Disclosure Control (Wiley 2012), chapter 4; k = 5 by default, as R12 of the design asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from harmonize.errors import CallError
from harmonize.report.count_table import CellKey, CountTable
from harmonize.report.suppression import suppression

SMALLEST_THRESHOLD = 3
"""Below 3 a small count can only be 1: to say that it is small is to say what it is."""


@dataclass(frozen=True, slots=True)
class DisclosureControl:
    """`threshold`: the smallest count that may be shown. `rounding`: counts are rounded to multiples of it; 1 leaves them.

    Raises CallError for a threshold below 3 and a rounding below 1.
    """

    threshold: int = 5
    rounding: int = 1
    hide_zeros: bool = False

    def __post_init__(self) -> None:
        if self.threshold < SMALLEST_THRESHOLD:
            raise CallError(
                f"the threshold {self.threshold} protects nobody. To mend it: give {SMALLEST_THRESHOLD} or more, as 5, 10, 11 or 20"
            )
        if self.rounding < 1:
            raise CallError(f"counts cannot be rounded to multiples of {self.rounding}. To mend it: give 1 or more")


@dataclass(frozen=True, slots=True)
class Exact:
    """A count as it is."""

    number: int

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True, slots=True)
class Rounded:
    """A count as the nearest multiple of `base`; only zero is 0."""

    number: int
    base: int

    def __str__(self) -> str:
        return f"about {self.number}" if self.number else "0"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A count that is not shown. Whether it is a small one or stands beside a small one cannot be told, so it is never `< 5`."""

    def __str__(self) -> str:
        return "suppressed"


SUPPRESSED: Final = Suppressed()
ShownCount = Exact | Rounded | Suppressed


def disclosed(table: CountTable, control: DisclosureControl | None = None) -> dict[CellKey, ShownCount]:
    """What may be shown of each cell of *table*, in its order. Same table, same answer.

    Raises CallError where a small count was published before, or can be worked out from what was.

    >>> from harmonize.report.count_table import one_way
    >>> shown = disclosed(one_way(("sex",), {"filled": 93, "missing": 3, "invalid": 11, "not checked": 0}))
    >>> [str(cell) for cell in shown.values()]
    ['107', '93', 'suppressed', 'suppressed', '0']
    """
    control = control or DisclosureControl()
    withheld = suppression(table, control.threshold, hide_zeros=control.hide_zeros).withheld
    return {
        key: SUPPRESSED if key in withheld else _shown(count, control.rounding) for key, count in table.counts.items()
    }


def _shown(count: int, base: int) -> Exact | Rounded:
    return Exact(count) if base == 1 else Rounded(rounded(count, base), base)


def rounded(count: int, base: int) -> int:
    """The nearest multiple of *base*, half of it upwards; what is not zero is never rounded to zero.

    >>> [rounded(count, 10) for count in (0, 3, 14, 15, 96)]
    [0, 10, 10, 20, 100]
    """
    if count == 0:
        return 0
    return max(base, (2 * count + base) // (2 * base) * base)


def after(table: CountTable, earlier: Mapping[CellKey, ShownCount]) -> CountTable:
    """*table*, some cells of which *earlier* has shown or suppressed: these stay as they are.

    A rounded count is taken as known exactly: what is suppressed now holds against those who know it. Raises CallError for a cell
    that is not in the table or was shown with another count.
    """
    for key, shown in earlier.items():
        if isinstance(shown, Exact) and table.counts.get(key) != shown.number:
            raise CallError(
                f"the count of {' / '.join(key)} was shown before and is not the same now. To mend it: give the counts of different "
                "reports different names, as `before` and `after`"
            )
    suppressed = frozenset(key for key, shown in earlier.items() if isinstance(shown, Suppressed))
    return replace(
        table,
        published=table.published | (frozenset(earlier) - suppressed - table.impossible),
        withheld=table.withheld | suppressed,
    )
