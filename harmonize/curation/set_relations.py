"""What rows of mapping sets say together: contradictions within a set, cycles of broad matches over all sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harmonize.curation.mapping_table import MappingTable, TableRow
from harmonize.terminology.predicates import BROAD, EXACT, NARROW
from harmonize.terminology.sssom import NO_TERM


def contradictions(rows: Iterable[TableRow], *, one_target: bool) -> Iterator[tuple[int, str]]:
    """Line and reason of each row that an earlier row contradicts. *one_target*: exactly one code of a system is the same."""
    exact: dict[tuple[str, str], TableRow] = {}
    stated: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        subject, target, predicate = row["subject_id"], row["object_id"], row["predicate_id"]
        denied = row["predicate_modifier"] == "Not"
        name = f"Not {predicate}" if denied else predicate
        others = stated.setdefault((subject, target), {})
        other = _opposed(name, others)
        if other is not None:
            yield row.line, f"{subject} {name} {target}, but line {others[other]} says {other}"
        others.setdefault(name, row.line)
        if predicate != EXACT or denied:
            continue
        system = target.partition(":")[0]
        for where, what in ((system, "also"), ("sssom", "says that there is no target")):
            first = exact.get((subject, where))
            if first is None or first["object_id"] == target or (where == system and not one_target):
                continue
            if where == system:
                yield row.line, f"{subject} is exactly {target}, and by line {first.line} {what} {first['object_id']}"
            else:
                yield row.line, f"{subject} is exactly {target}, and line {first.line} {what}"
        if target == NO_TERM:
            first = next(
                (one for (code, _), one in exact.items() if code == subject and one["object_id"] != NO_TERM), None
            )
            if first is not None:
                yield row.line, f"{subject} has no target, and by line {first.line} is exactly {first['object_id']}"
        else:
            exact.setdefault((subject, ""), row)  # the first target, of whatever system
        exact.setdefault((subject, system), row)


def _opposed(name: str, others: Mapping[str, int]) -> str | None:
    """The statement on the same pair that cannot hold together with *name*."""
    if name.startswith("Not "):
        return name[4:] if name[4:] in others else None
    if f"Not {name}" in others:
        return f"Not {name}"
    kinds = (EXACT, BROAD, NARROW)
    return next((other for other in kinds if name in kinds and other != name and other in others), None)


def cycles(tables: Iterable[tuple[str, MappingTable]]) -> Iterator[tuple[str, int, str]]:
    """File, line and reason of every row by which a code is broader than itself, over all *tables* together."""
    edges: list[tuple[str, str, str, int]] = []
    for name, table in tables:
        for row in table.rows:
            subject, target = row["subject_id"], row["object_id"]
            if row["predicate_modifier"] or NO_TERM in (subject, target):
                continue
            if row["predicate_id"] == BROAD:
                edges.append((subject, target, name, row.line))
            elif row["predicate_id"] == NARROW:
                edges.append((target, subject, name, row.line))
    broader = _on_cycles(edges)
    for narrow, broad, name, line in edges:
        if broad in broader and narrow in broader and _leads(broad, narrow, broader):
            yield name, line, f"{broad} is broader than {narrow}, and {narrow} broader than {broad} by other rows"


def _on_cycles(edges: Iterable[tuple[str, str, str, int]]) -> dict[str, set[str]]:
    """Code -> broader codes, without those that no cycle can go through."""
    broader: dict[str, set[str]] = {}
    for narrow, broad, _, _ in edges:
        broader.setdefault(narrow, set()).add(broad)
    while True:
        targets = {code for codes in broader.values() for code in codes}
        kept = {code: codes & broader.keys() for code, codes in broader.items() if code in targets}
        kept = {code: codes for code, codes in kept.items() if codes}
        if kept == broader:
            return kept
        broader = kept


def _leads(start: str, end: str, broader: Mapping[str, set[str]]) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        code = waiting.pop()
        if code == end:
            return True
        following = broader.get(code, set()) - seen
        seen |= following
        waiting += following
    return False
