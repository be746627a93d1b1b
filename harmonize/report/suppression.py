"""Which counts of a table must not be shown, so that the small ones cannot be worked out from the others.

What is withheld first are the small counts (1 to threshold - 1); then, for each of them, the cheapest other counts (complementary
suppression) until every value from 1 to threshold - 1 is shown to be possible by a table of whole numbers with the same published
numbers (`harmonize.report.count_moves`). One small count after another is protected along cheapest paths, as network heuristics of
cell suppression do; what is withheld without need is released again, and where there are few choices all of them are tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from harmonize.errors import CallError
from harmonize.report.count_moves import Limits, Structure, find_move
from harmonize.report.count_table import CellKey, CountTable, nesting

TRIED_CHOICES = 200
"""Where there are no more choices of large counts than this, the cheapest of them is taken."""
REVIEWED = 20_000
"""How many small counts are looked at again while large counts that are withheld without need are released."""
_UNBOUNDED = 10**18


@dataclass(frozen=True, slots=True)
class Suppression:
    """What must not be shown of a table.

    `withheld`: the cells. `zeros_withheld`: the cells that would be withheld were they zero, so that nobody can tell that they are not.
    `silent`: cells of those parts of the table of which nothing is shown.
    """

    withheld: frozenset[CellKey]
    zeros_withheld: frozenset[CellKey]
    silent: frozenset[CellKey]


def suppression(table: CountTable, threshold: int, *, hide_zeros: bool = False) -> Suppression:
    """The cells of *table* that must not be shown.

    Raises CallError where a small count can be worked out from what was published before, whatever is withheld now.
    """
    cells = _Cells(table, threshold, hide_zeros=hide_zeros)
    search = _Search(cells)
    search.protect_all()
    search.release()
    search.try_fewer()
    withheld = set(cells.sensitive()) | cells.forced | cells.chosen
    return Suppression(cells.named(withheld), cells.named(cells.zeros_withheld), cells.named(cells.silent))


class _Cells:
    """The cells by number: which are sensitive, which may be withheld, and between which counts each may move."""

    def __init__(self, table: CountTable, threshold: int, *, hide_zeros: bool) -> None:
        self._keys = list(table.counts)
        number = {key: index for index, key in enumerate(self._keys)}
        self.counts = list(table.counts.values())
        self.top = threshold - 1
        sums = [(number[one.total], tuple(number[part] for part in one.parts)) for one in table.sums]
        self.structure = _structure(len(self._keys), sums)
        self._sums = sums
        weights = nesting(table)
        self.weights = [weights[key] for key in self._keys]
        published = {number[key] for key in table.published}
        self._refuse_small(published, threshold)
        zeros = {number[key] for key in table.impossible} | {cell for cell in published if not self.counts[cell]}
        self.known = published | _known_zeros(sums, zeros)
        self.forced = {number[key] for key in table.withheld} - self.known
        self.chosen: set[int] = set()
        self.zeros_withheld: set[int] = set()
        self.silent: set[int] = set()
        self.may_choose = True
        size = len(self._keys)
        self._lowest, self._highest = [0] * size, [0] * size
        self._prices: list[int | None] = [None] * size
        self.limits = Limits(self._lowest, self._highest, self._prices)
        self.hide(range(size) if hide_zeros else (cell for cell in self.forced if not self.counts[cell]))

    def _refuse_small(self, published: Iterable[int], threshold: int) -> None:
        for cell in published:
            if 0 < self.counts[cell] <= self.top:
                raise CallError(
                    f"the count of {self.name(cell)} was published and is below the threshold {threshold}. To mend it: use the "
                    "threshold of the earlier report, or leave what it published out of this one"
                )

    def name(self, cell: int) -> str:
        return " / ".join(self._keys[cell])

    def named(self, cells: Iterable[int]) -> frozenset[CellKey]:
        return frozenset(self._keys[cell] for cell in cells)

    def is_sensitive(self, cell: int) -> bool:
        count = self.counts[cell]
        return cell not in self.known and (0 < count <= self.top or (count == 0 and cell in self.zeros_withheld))

    def sensitive(self) -> list[int]:
        return [cell for cell in range(len(self._keys)) if self.is_sensitive(cell)]

    def large(self) -> list[int]:
        """The cells that may be withheld and need not."""
        can = (cell for cell in range(len(self._keys)) if self.counts[cell] > self.top and cell not in self.known)
        return [cell for cell in can if cell not in self.forced]

    def hide(self, cells: Iterable[int]) -> set[int]:
        """Withhold *cells* if they are zero, and the parts of all small totals: a zero among few tells of the others.

        The answer: the cells of which this is new.
        """
        before = set(self.zeros_withheld)
        self.zeros_withheld.update(cell for cell in cells if cell not in self.known)
        grown = True
        while grown:
            size = len(self.zeros_withheld)
            for total, parts in self._sums:
                if self.is_sensitive(total):
                    self.zeros_withheld.update(part for part in parts if part not in self.known)
            grown = len(self.zeros_withheld) > size
        self.refresh(range(len(self._keys)))
        return self.zeros_withheld - before

    def refresh(self, cells: Iterable[int]) -> None:
        """Set the limits of *cells* anew.

        A small count is known to be small, a large one to be large: whoever knows which of the cells are the small ones learns no more.
        """
        for cell in cells:
            price: int | None = None
            if self.is_sensitive(cell):
                self._lowest[cell] = 0 if cell in self.zeros_withheld else 1
                self._highest[cell] = self.top
                price = 0
            elif cell not in self.known and self.counts[cell]:
                self._lowest[cell] = 0 if cell in self.silent else self.top + 1
                self._highest[cell] = _UNBOUNDED
                if cell in self.chosen or cell in self.forced:
                    price = 0
                elif self.may_choose:
                    price = self.weights[cell]
            self._prices[cell] = price

    def around(self, cells: set[int]) -> set[int]:
        """*cells* and those that stand in a sum with one of them and are not known."""
        sums = {number for cell in cells for number, _ in self.structure.sums[cell]}
        return cells | {other for number in sums for other, _ in self.structure.cells[number]} - self.known

    def touches_published(self, cells: Iterable[int]) -> bool:
        """Whether a number that was published before stands in a sum with one of *cells*."""
        sums = {number for cell in cells for number, _ in self.structure.sums[cell]}
        return any(
            other in self.known and self.counts[other] for number in sums for other, _ in self.structure.cells[number]
        )


def _structure(size: int, sums: Sequence[tuple[int, Sequence[int]]]) -> Structure:
    of_sum = tuple(((total, 1), *((part, -1) for part in parts)) for total, parts in sums)
    of_cell: list[list[tuple[int, int]]] = [[] for _ in range(size)]
    for number, cells in enumerate(of_sum):
        for cell, sign in cells:
            of_cell[cell].append((number, sign))
    return Structure(of_sum, tuple(map(tuple, of_cell)))


def _known_zeros(sums: Sequence[tuple[int, Sequence[int]]], zeros: set[int]) -> set[int]:
    """*zeros* and the zeros that follow: a total of zeros is zero, and so are the parts of such a total."""
    known, size = set(zeros), -1
    while len(known) > size:
        size = len(known)
        for total, parts in sums:
            if known.issuperset(parts):
                known.add(total)
            if total in known:
                known.update(parts)
    return known


class _Search:
    """Chooses the large counts that are withheld. `uses`: the cells that move in the witnesses of each sensitive one."""

    def __init__(self, cells: _Cells) -> None:
        self._cells = cells
        self._uses: dict[int, set[int]] = {}

    def protect_all(self) -> None:
        """Withhold what all the sensitive cells need."""
        while missing := [cell for cell in self._cells.sensitive() if cell not in self._uses]:
            for cell in missing:
                self._protect_or_silence(cell)

    def _protect_or_silence(self, cell: int) -> None:
        """Where no choice of large counts protects *cell*, more and more around it is withheld, zeros too."""
        used, around = self._protect(cell), {cell}
        while used is None:
            further = self._cells.around(around)
            used = self._protect(cell) if self._withhold(further) else None
            if used is None and further == around:
                used = self._silence(cell, around)
            around = further
        self._uses[cell] = used

    def _withhold(self, cells: set[int]) -> bool:
        """Withhold *cells*, and zeros among them too. Whether that is new."""
        large = {cell for cell in cells if self._cells.counts[cell] > self._cells.top} - self._cells.known
        changed = self._cells.hide(cells)
        for cell in changed:
            self._uses.pop(cell, None)
        is_new = bool(changed) or not large <= self._cells.chosen
        self._cells.chosen |= large
        self._cells.refresh(large)
        return is_new

    def _silence(self, cell: int, part: set[int]) -> set[int]:
        """Nothing of the *part* of the table is shown: then nobody knows which of its counts are large either."""
        self._cells.silent |= part
        self._cells.forced |= part
        self._cells.refresh(part)
        used = self._protect(cell)
        if used is None and self._cells.touches_published(part):
            raise CallError(
                f"the count of {self._cells.name(cell)} can be worked out from what was published before. To mend it: leave what "
                "the earlier report published out of this one"
            )
        return used or set()

    def _protect(self, cell: int) -> set[int] | None:
        """Find witnesses for the highest and the lowest value of *cell* by steps of one, so for all between them too.

        The large counts that they need are chosen. The answer: all cells that move; None where there is no witness.
        """
        limits = self._cells.limits
        used: set[int] = set()
        for step, goal in ((1, limits.highest[cell]), (-1, limits.lowest[cell])):
            counts = list(self._cells.counts)
            while counts[cell] != goal:
                move = find_move(self._cells.structure, counts, cell, step, limits)
                if move is None:
                    return None
                times = min(
                    abs(goal - counts[cell]),
                    *(limits.room(moved, counts[moved], delta) for moved, delta in move.items()),
                )
                for moved, delta in move.items():
                    counts[moved] += delta * times
                self._choose(move)
                used |= move.keys()
        return used

    def _choose(self, move: Iterable[int]) -> None:
        new = [cell for cell in move if self._cells.limits.prices[cell]]
        self._cells.chosen.update(new)
        self._cells.refresh(new)

    def release(self) -> None:
        """Show again what no sensitive cell needs, dear and great counts first."""
        cells = self._cells
        cells.may_choose = False
        cells.refresh(range(len(cells.counts)))
        reviewed = 0
        for cell in sorted(cells.chosen, key=lambda c: (-cells.weights[c], -cells.counts[c], c)):
            dependent = [target for target, used in self._uses.items() if cell in used]
            reviewed += len(dependent)
            if reviewed > REVIEWED:
                return
            cells.chosen.discard(cell)
            cells.refresh([cell])
            uses = self._witnesses(dependent)
            if uses is None:
                cells.chosen.add(cell)
                cells.refresh([cell])
            else:
                self._uses.update(uses)

    def _witnesses(self, targets: Iterable[int]) -> dict[int, set[int]] | None:
        uses: dict[int, set[int]] = {}
        for target in targets:
            used = self._protect(target)
            if used is None and target not in self._cells.silent:
                return None
            uses[target] = used or set()
        return uses

    def try_fewer(self) -> None:
        """Where there are few choices, take the cheapest that protects all: by the cells below, then by the sum of the counts."""
        cells, best = self._cells, set(self._cells.chosen)
        for choice in self._cheaper_choices(best):
            cells.chosen = set(choice)
            cells.refresh(range(len(cells.counts)))
            if self._witnesses(self._uses) is not None:
                return
        cells.chosen = best
        cells.refresh(range(len(cells.counts)))

    def _cheaper_choices(self, best: set[int]) -> Iterator[tuple[int, ...]]:
        large = self._cells.large()
        if sum(math.comb(len(large), size) for size in range(len(best) + 1)) > TRIED_CHOICES:
            return
        choices = (choice for size in range(len(best) + 1) for choice in combinations(large, size))
        cheaper = (choice for choice in choices if self._cost(choice) < self._cost(best))
        yield from sorted(cheaper, key=lambda choice: (self._cost(choice), choice))

    def _cost(self, choice: Iterable[int]) -> tuple[int, int]:
        return sum(self._cells.weights[c] for c in choice), sum(self._cells.counts[c] for c in choice)
