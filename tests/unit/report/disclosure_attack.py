"""An attacker on disclosure control: what linear programming tells of the counts that are suppressed.

He knows what is shown, the sums, that counts are not negative, the threshold, and which of the suppressed cells are small (up to
threshold - 1) and which are large (threshold and more). A cell is known not to be zero where a zero would have been shown. Of a part of
which nothing is shown he knows the sums alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
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
    blocks = [(one, target, sign) for one in attacks for target in one.targets for sign in (1, -1)]
    rows: list[int] = []
    columns: list[int] = []
    values: list[int] = []
    objective: list[int] = []
    lowest: list[float] = []
    highest: list[float] = []
    starts = []
    row = 0
    for one, target, sign in blocks:
        place = {key: len(objective) + index for index, key in enumerate(one.table.counts)}
        starts.append(place[target])
        # what is not bounded is cut far away: a program with an unbounded block would say nothing of the others
        far = 10 * (sum(one.table.counts.values()) + 1000)
        for key, (low, high) in one.limits.items():
            objective.append(sign if key == target else 0)
            lowest.append(low)
            highest.append(min(high, far))
        for total, parts in one.table.sums:
            rows += [row] * (1 + len(parts))
            columns += [place[total], *(place[part] for part in parts)]
            values += [1] + [-1] * len(parts)
            row += 1
    matrix = csr_array((values, (rows, columns)), shape=(row, len(objective)))
    done = milp(
        np.array(objective),
        constraints=LinearConstraint(matrix, np.zeros(row), np.zeros(row)) if row else None,
        bounds=Bounds(lowest, highest),
        integrality=np.full(len(objective), int(whole)),
    )
    assert done.success, done.message
    found = iter(float(done.x[start]) for start in starts)
    for one in attacks:
        yield [Learnt(target, round(next(found)), round(next(found))) for target in one.targets]
