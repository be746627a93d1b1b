"""What rows of mapping sets say together: contradictions within a set, cycles of broad matches over all sets.

Codes are compared by their names: two spellings of a code are one code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from harmonize.curation.mapping_table import MappingTable, TableRow
from harmonize.terminology.predicates import BROAD, CLOSE, EXACT, NARROW, inverse
from harmonize.terminology.sssom import NO_TERM

Naming = Callable[[str], str]
"""A code as a set writes it -> as harmonize does."""


def contradictions(rows: Iterable[TableRow], name_of: Naming, *, one_target: bool) -> Iterator[tuple[int, str]]:
    """Line and reason of each row that an earlier row contradicts. *one_target*: exactly one code of a system is the same."""
    exact: dict[tuple[str, str], tuple[int, str]] = {}
    stated: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        subject, target, predicate = name_of(row["subject_id"]), name_of(row["object_id"]), row["predicate_id"]
        denied = row["predicate_modifier"] == "Not"
        name = f"Not {predicate}" if denied else predicate
        turned = target < subject  # a pair is one in both directions
        others = stated.setdefault((target, subject) if turned else (subject, target), {})
        other = _opposed(_turned(name) if turned else name, others)
        if other is not None:
            shown = _turned(other) if turned else other
            yield row.line, f"{subject} {name} {target}, but line {others[other]} says {shown}"
        others.setdefault(_turned(name) if turned else name, row.line)
        if predicate != EXACT or denied:
            continue
        system = target.partition(":")[0]
        for where, what in ((system, "also"), ("sssom", "says that there is no target")):
            first = exact.get((subject, where))
            if first is None or first[1] == target or (where == system and not one_target):
                continue
            if where == system:
                yield row.line, f"{subject} is exactly {target}, and by line {first[0]} {what} {first[1]}"
            else:
                yield row.line, f"{subject} is exactly {target}, and line {first[0]} {what}"
        if target == NO_TERM:
            first = exact.get((subject, ""))
            if first is not None:
                yield row.line, f"{subject} has no target, and by line {first[0]} is exactly {first[1]}"
        else:
            exact.setdefault((subject, ""), (row.line, target))  # the first target, of whatever system
        exact.setdefault((subject, system), (row.line, target))


def _turned(name: str) -> str:
    """A statement read from its object to its subject."""
    return f"Not {inverse(name[4:])}" if name.startswith("Not ") else inverse(name)


def _opposed(name: str, others: Mapping[str, int]) -> str | None:
    """The statement on the same pair that cannot hold together with *name*. What is exactly the same is close as well (SKOS, S42)."""
    if name.startswith("Not "):
        denied = (CLOSE, EXACT) if name == f"Not {CLOSE}" else (name[4:],)
        return next((other for other in denied if other in others), None)
    implied = (name, CLOSE) if name == EXACT else (name,)
    if refused := next((f"Not {other}" for other in implied if f"Not {other}" in others), None):
        return refused
    kinds = (EXACT, BROAD, NARROW)
    return next((other for other in kinds if name in kinds and other != name and other in others), None)


class NamedSet(NamedTuple):
    """A mapping set, the name of its file, and how its codes are named. *of_codes*: exactly the same is the same code."""

    file: str
    table: MappingTable
    name_of: Naming
    of_codes: bool


def cycles(sets: Iterable[NamedSet]) -> Iterator[tuple[str, int, str]]:
    """File, line and reason of every row by which a code is broader than itself, over all *sets* together.

    Codes that rows call exactly the same lead to each other; whatever leads in a circle through a broad match is told. An item may be
    exactly several elements of a target, so items lead nowhere by that.
    """
    leads: dict[str, set[str]] = {}
    broad: list[tuple[str, str, str, int]] = []
    for file, table, name_of, of_codes in sets:
        for row in table.rows:
            subject, target = name_of(row["subject_id"]), name_of(row["object_id"])
            if row["predicate_modifier"] or NO_TERM in (subject, target):
                continue
            if row["predicate_id"] == NARROW:
                subject, target = target, subject
            if row["predicate_id"] in (BROAD, NARROW):
                leads.setdefault(subject, set()).add(target)
                broad.append((subject, target, file, row.line))
            elif row["predicate_id"] == EXACT and of_codes:
                leads.setdefault(subject, set()).add(target)
                leads.setdefault(target, set()).add(subject)
    component = {code: number for number, codes in enumerate(components(leads)) for code in codes}
    for below, above, file, line in broad:
        if component[below] == component[above]:
            yield (
                file,
                line,
                f"{above} is broader than {below}, and by other rows {below} is as broad as {above} or broader",
            )


def components(leads: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The strongly connected components: codes of which each leads to all others. No recursion, chains can be long.

    Source: R. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1 (1972).

    >>> sorted(map(sorted, components({"a": "b", "b": "c", "c": "ad", "d": ""})))
    [['a', 'b', 'c'], ['d']]
    """
    found: list[list[str]] = []
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in leads:
        path = [] if root in number else [(root, iter(leads[root]))]
        while path:
            code, following = path[-1]
            if code not in number:
                number[code] = low[code] = len(number)
                stack.append(code)
                on_stack.add(code)
            step = next((other for other in following if other not in number or other in on_stack), None)
            if step is not None and step not in number:
                path.append((step, iter(leads.get(step, ()))))
            elif step is not None:
                low[code] = min(low[code], number[step])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[code])
                if low[code] == number[code]:
                    found.append(_taken(stack, on_stack, code))
    return found


def _taken(stack: list[str], on_stack: set[str], code: str) -> list[str]:
    """What lies on the stack from *code* on, taken from it."""
    place = stack.index(code) if stack[-1] != code else len(stack) - 1
    codes = stack[place:]
    del stack[place:]
    on_stack.difference_update(codes)
    return codes
