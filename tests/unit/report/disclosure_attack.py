"""An attacker on disclosure control: what linear programming tells of the counts that are suppressed.

He knows what is shown, the sums, that counts are not negative, the threshold, and which of the suppressed cells are small (up to
threshold - 1) and which are large (threshold and more). A cell is known not to be zero where a zero would have been shown. Of a part of
which nothing is shown he knows the sums alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import csr_array

from harmonize.report.count_table import CellKey, CountTable
from harmonize.report.suppression import Suppression


class Attack(NamedTuple):
    """A table as the attacker sees it: limits of each cell, and the cells that he is after."""

    table: CountTable
    limits: dict[CellKey, tuple[float, float]]
    targets: tuple[CellKey, ...]


class Learnt(NamedTuple):
    """What the attacker learns of a cell: its least and its greatest possible count."""

    target: CellKey
    least: int
    greatest: int


def sensitive_cells(table: CountTable, result: Suppression, threshold: int) -> dict[CellKey, int]:
    """The small counts, and the zeros that are hidden among them, with the least count that they are known to have."""
    cells = {}
    for key, count in table.counts.items():
        hidden = key in result.zeros_withheld
        if 0 < count < threshold or (count == 0 and hidden):
            cells[key] = 0 if hidden else 1
    return cells


def attack(table: CountTable, result: Suppression, threshold: int) -> Attack:
    sensitive = sensitive_cells(table, result, threshold)
    limits: dict[CellKey, tuple[float, float]] = {}
    for key, count in table.counts.items():
        if key not in result.withheld:
            limits[key] = (count, count)
        elif key in result.silent:
            limits[key] = (0, np.inf)
        elif key in sensitive:
            limits[key] = (sensitive[key], threshold - 1)
        else:
            limits[key] = (threshold, np.inf)
    return Attack(table, limits, tuple(sensitive))


def learnt(attacks: Sequence[Attack], *, whole: bool = True) -> Iterator[list[Learnt]]:
    """What each attack finds: all targets of all *attacks* in one linear program, of blocks that have nothing in common.

    With *whole* the attacker knows that counts are whole numbers (an integer program).
    """
    program = _Program()
    for one in attacks:
        for target in one.targets:
            for sign in (1, -1):
                program.add(one, target, sign)
    done = program.solve(whole=whole)
    assert done.success, done.message
    found = iter(float(done.x[place]) for place in program.sought)
    for one in attacks:
        yield [Learnt(target, round(next(found)), round(next(found))) for target in one.targets]


class _Program:
    """One integer program: the sum of the least, and of the negative greatest, counts of all targets."""

    def __init__(self) -> None:
        self.sought: list[int] = []
        self._rows: list[int] = []
        self._columns: list[int] = []
        self._values: list[int] = []
        self._known: list[float] = []
        self._objective: list[int] = []
        self._lowest: list[float] = []
        self._highest: list[float] = []

    def add(self, one: Attack, target: CellKey, sign: int) -> None:
        """A block that seeks the least (sign 1) or greatest (sign -1) count of *target*."""
        # what is not bounded is cut far away: a program with an unbounded block would say nothing of the others
        far = 10 * (sum(one.table.counts.values()) + 1000)
        place = {}
        for key, (low, high) in one.limits.items():
            if low == high:
                continue
            place[key] = len(self._objective)
            self._objective.append(sign if key == target else 0)
            self._lowest.append(low)
            self._highest.append(min(high, far))
        self.sought.append(place[target])
        for total, parts in one.table.sums:
            known = 0.0
            for key, value in ((total, 1), *((part, -1) for part in parts)):
                if key in place:
                    self._rows.append(len(self._known))
                    self._columns.append(place[key])
                    self._values.append(value)
                else:
                    known -= value * one.limits[key][0]
            self._known.append(known)

    def solve(self, *, whole: bool) -> OptimizeResult:
        shape = (len(self._known), len(self._objective))
        matrix = csr_array((self._values, (self._rows, self._columns)), shape=shape)
        return milp(
            np.array(self._objective),
            constraints=LinearConstraint(matrix, self._known, self._known),
            bounds=Bounds(self._lowest, self._highest),
            integrality=np.full(len(self._objective), int(whole)),
        )
