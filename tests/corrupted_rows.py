"""One row in a hundred of a table damaged in a known way, and what must be counted of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple


class Damage(NamedTuple):
    """What is done to a line, and what becomes of the row: `rejected`, `used`, or `gone` for a row that is no longer there."""

    change: Callable[[bytes], bytes]
    outcome: str


DAMAGES: Mapping[str, Damage] = {
    "a cell too many": Damage(lambda line: line + b",surplus", "rejected"),
    "cut off": Damage(lambda line: line[: line.index(b",", 3)], "rejected"),
    "no person": Damage(lambda line: b",".join([*line.split(b",")[:1], b"", *line.split(b",")[2:]]), "rejected"),
    "no such person id": Damage(
        lambda line: b",".join([*line.split(b",")[:1], b"x-1", *line.split(b",")[2:]]), "rejected"
    ),
    "NUL in a cell": Damage(lambda line: b"\0" + line, "used"),
    "bytes that are no UTF-8": Damage(lambda line: b"\xff" + line, "used"),
    "a quote that is not closed": Damage(lambda line: b'"' + line, "rejected"),
    "twice": Damage(lambda line: line + b"\n" + line, "used"),
    "gone": Damage(lambda line: b"", "gone"),
}


class Expected(NamedTuple):
    """The counts of a table after the damage."""

    read: int
    rejected: int


def corrupt(path: Path, share: float, seed: int) -> Expected:
    """Damage *share* of the rows of the table *path*, whose second column is the person. The counts that must come out."""
    chance = random.Random(seed)
    header, *lines = path.read_bytes().splitlines()
    read = rejected = 0
    made = []
    for line in lines:
        if chance.random() >= share:
            read += 1
            made.append(line)
            continue
        name = chance.choice(list(DAMAGES))
        damage = DAMAGES[name]
        made.append(damage.change(line))
        if damage.outcome != "gone":
            read += 2 if name == "twice" else 1
            rejected += damage.outcome == "rejected"
    path.write_bytes(b"\n".join([header, *made]) + b"\n")
    return Expected(read, rejected)
