"""Other tables that have the same sums: a count moves by one, and others move so that all sums still hold.

A table that can be reached so is a witness: whoever knows the sums and the numbers that do not move cannot tell it from the true one.
Witnesses are whole numbers, so what is shown by one holds against everybody. In tables of one and two ways, and in linked ones
whose sums make a network, a witness is found wherever there is one (augmenting paths, Ford and Fulkerson 1956); elsewhere it may be
missed, which makes us suppress more, never less.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

TRIED = 20_000
"""Ways that the search for one move looks at; a table of a report needs some hundreds."""


@dataclass(frozen=True, slots=True)
class Structure:
    """The sums by number: the cells of each with their sign (total 1, part -1), and the sums of each cell."""

    cells: tuple[tuple[tuple[int, int], ...], ...]
    sums: tuple[tuple[tuple[int, int], ...], ...]


class Limits(NamedTuple):
    """Between which counts each cell may move, and what it costs to let it: None where it must not."""

    lowest: Sequence[int]
    highest: Sequence[int]
    prices: Sequence[int | None]

    def room(self, cell: int, count: int, delta: int) -> int:
        """How often *cell* may move by *delta* (1 or -1) from *count*."""
        return self.highest[cell] - count if delta > 0 else count - self.lowest[cell]


Residuals = tuple[tuple[int, int], ...]
"""The sums that do not hold and by how much, in order."""


def find_move(
    structure: Structure, counts: Sequence[int], target: int, step: int, limits: Limits
) -> dict[int, int] | None:
    """The cheapest way to move *target* by *step* (1 or -1): the cells that move and by how much; None where none was found.

    The cheapest has the lowest prices, then the smallest counts that have a price, then the fewest cells.
    """
    start = _moved((), structure.sums[target], step)
    heap: list[tuple[_Cost, int, Residuals, dict[int, int]]] = [((0, 0, 1), 0, start, {target: step})]
    cheapest: dict[Residuals, _Cost] = {start: (0, 0, 1)}
    pushed = 0
    while heap and pushed < TRIED:
        cost, _, residuals, path = heapq.heappop(heap)
        if not residuals:
            return path
        if cost > cheapest[residuals]:
            continue
        number, residual = residuals[0]
        for cell, sign in structure.cells[number]:
            price = limits.prices[cell]
            delta = -sign if residual > 0 else sign
            if price is None or cell in path or not limits.lowest[cell] <= counts[cell] + delta <= limits.highest[cell]:
                continue
            through = (cost[0] + price, cost[1] + (counts[cell] if price else 0), cost[2] + 1)
            if through >= cheapest.get((), _NEVER):
                continue
            after = _moved(residuals, structure.sums[cell], delta)
            if through >= cheapest.get(after, _NEVER):
                continue
            cheapest[after] = through
            pushed += 1
            heapq.heappush(heap, (through, pushed, after, {**path, cell: delta}))
    return None


_Cost = tuple[int, int, int]
"""Prices, counts that have a price, cells."""
_NEVER: _Cost = (2**62, 0, 0)


def _moved(residuals: Residuals, sums: Sequence[tuple[int, int]], delta: int) -> Residuals:
    """*residuals* after a cell that stands in *sums* has moved by *delta*."""
    after = list(residuals)
    for number, sign in sums:
        change = sign * delta
        for place, (other, residual) in enumerate(after):
            if other == number:
                if residual == -change:
                    del after[place]
                else:
                    after[place] = (number, residual + change)
                break
        else:
            after.append((number, change))
    after.sort()
    return tuple(after)
