"""Random tables of counts, as the groups of numbers of a report are: the same from the same seed."""

from __future__ import annotations

import random
from dataclasses import replace

from harmonize.report.count_table import CountTable, compared, linked, one_way, two_way

_COUNTS = (
    (0, 0, 0, 0, 1, 2, 3, 4, 30),  # nearly nobody
    (0, 1, 2, 3, 4, 5, 6, 7, 8),  # few
    (0, 3, 12, 25, 40, 80, 200, 1000),  # most are many
    (1, 1, 1, 1, 2, 50),
    (4, 5, 10, 11),
)


def random_table(seed: int) -> CountTable:
    """A table of one of the kinds of `KINDS`, of counts of one of five sorts."""
    numbers = random.Random(seed)
    counts = numbers.choice(_COUNTS)
    return KINDS[seed % len(KINDS)](numbers, counts)


def _list(numbers: random.Random, counts: tuple[int, ...]) -> CountTable:
    return one_way(("item",), {str(n): numbers.choice(counts) for n in range(numbers.randint(1, 8))})


def _rows(numbers: random.Random, counts: tuple[int, ...], height: int, width: int) -> dict[str, dict[str, int]]:
    return {f"row {r}": {f"column {c}": numbers.choice(counts) for c in range(width)} for r in range(height)}


def _square(numbers: random.Random, counts: tuple[int, ...]) -> CountTable:
    return two_way((), _rows(numbers, counts, numbers.randint(1, 6), numbers.randint(1, 6)))


def _with_impossible(numbers: random.Random, counts: tuple[int, ...]) -> CountTable:
    table = _square(numbers, counts)
    zeros = [key for key, count in table.counts.items() if count == 0 and "*" not in key]
    return replace(table, impossible=frozenset(numbers.sample(zeros, numbers.randint(0, len(zeros)))))


def _nested(numbers: random.Random, counts: tuple[int, ...]) -> CountTable:
    """Rules in families, families in all findings."""
    families = [
        one_way((f"family {f}",), {f"rule {r}": numbers.choice(counts) for r in range(numbers.randint(1, 4))})
        for f in range(numbers.randint(1, 4))
    ]
    totals = {family: table.counts[(family, "*")] for table in families for family, _ in table.counts}
    whole = one_way((), totals, total=("all",))
    names = {(family,): (family, "*") for family in totals}
    renamed = CountTable(
        {names.get(key, key): count for key, count in whole.counts.items()},
        tuple(one._replace(parts=tuple(names[part] for part in one.parts)) for one in whole.sums),
    )
    return linked([renamed, *families])


def _items(numbers: random.Random, counts: tuple[int, ...]) -> CountTable:
    """The states of several items, which all add up to the records."""
    records = sum(numbers.choice(counts) for _ in range(6)) + 1
    tables = []
    for item in range(numbers.randint(2, 4)):
        cuts = sorted(numbers.choice([0, 1, 2, records, numbers.randint(0, records)]) for _ in range(5))
        parts = [min(b, records) - min(a, records) for a, b in zip([0, *cuts], [*cuts, records], strict=True)]
        states = dict(zip(("filled", "null", "missing", "n/a", "invalid", "unchecked"), parts, strict=True))
        tables.append(one_way((f"item {item}",), states, total=("records",)))
    return linked(tables)


def _sites(numbers: random.Random, counts: tuple[int, ...]) -> CountTable:
    """Two items by site: both tables have the same totals of rows."""
    first = _rows(numbers, counts, numbers.randint(2, 4), 3)
    second = {}
    for site, row in first.items():
        split = numbers.randint(0, sum(row.values()))
        second[site] = {"yes": split, "no": sum(row.values()) - split}
    tables = []
    for name, rows in (("sex", first), ("alive", second)):
        table = two_way((name,), rows)
        shared = {(name, site, "*"): (site,) for site in rows} | {(name, "*", "*"): ("records",)}
        sums = (
            one._replace(
                total=shared.get(one.total, one.total), parts=tuple(shared.get(part, part) for part in one.parts)
            )
            for one in table.sums
        )
        tables.append(CountTable({shared.get(k, k): n for k, n in table.counts.items()}, tuple(sums)))
    return linked(tables)


def _before_and_after(numbers: random.Random, counts: tuple[int, ...]) -> CountTable:
    rules = [
        compared((f"rule {r}",), **{w: numbers.choice(counts) for w in ("persisting", "resolved", "appeared")})
        for r in range(numbers.randint(1, 4))
    ]
    totals = []
    for when in ("before", "after"):
        cells = {key: count for table in rules for key, count in table.counts.items() if key[-1] == when}
        whole = one_way(("all", when), {key[0]: count for key, count in cells.items()})
        names = {("all", when, key[0]): key for key in cells}
        totals.append(
            CountTable(
                {names.get(key, key): count for key, count in whole.counts.items()},
                tuple(one._replace(parts=tuple(names[part] for part in one.parts)) for one in whole.sums),
            )
        )
    return linked([*rules, *totals])


KINDS = (_list, _square, _square, _with_impossible, _nested, _items, _sites, _before_and_after)
