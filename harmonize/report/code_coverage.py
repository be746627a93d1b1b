"""The section `coverage` of a report: what `harmonize mappings coverage` counted of a run's source, and its sums over reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harmonize.curation.coverage import Coverage
from harmonize.errors import CallError
from harmonize.findings import add_counts
from harmonize.profiles.loading import load_profile
from harmonize.terminology.predicates import SHORT
from harmonize.terminology.sssom import NO_TERM, MappingSet, read_mapping_set

KINDS_OF_ROWS = (*SHORT, "other", "no-target")
"""What the rows of a code map are counted by."""
_REVIEW = "semapv:MappingReview"
_KEY = ("outcome", "system", "code", "column")


def with_coverage(report: Mapping[str, Any], measured: Coverage) -> dict[str, Any]:
    """*report* with the coverage *measured* of the same source. Raises CallError where it is of another profile than its runs."""
    profiles = sorted({run["profile"]["id"] for run in report["runs"] if run["profile"]})
    if profiles and measured.profile not in profiles:
        raise CallError(
            f"the coverage is of the profile {measured.profile[:80]!r}, the run of {', '.join(profiles)}. To mend it: give what "
            "`harmonize mappings coverage` made of the run's own input"
        )
    return {**report, "coverage": [coverage_section(measured)]}


def coverage_section(measured: Coverage) -> dict[str, Any]:
    """The counts as the report holds them: by column, system, code and outcome."""
    rows = [{**row._asdict(), "outcome": row.outcome.value} for row in measured.rows]
    return {
        "profile": measured.profile,
        "subjects": dict(measured.subjects),
        "maps": _maps_of(measured.profile),
        "rows": sorted(rows, key=_key),
    }


def _maps_of(profile: str) -> dict[str, dict[str, int]]:
    """Code map of *profile* -> its rows by kind; of a profile that is not here, none."""
    try:
        maps = load_profile(profile).code_maps
    except CallError:
        return {}
    return {name: _rows_of(policy.sets) for name, policy in sorted(maps.items())}


def _rows_of(sets: Sequence[Path]) -> dict[str, int]:
    """The rows of several sets by kind; of sets that were added compiled, whose justifications are not kept, none."""
    total: dict[str, int] = {}
    for path in sets:
        if path.suffix == ".tsv":
            add_counts(total, rows_by_kind(read_mapping_set(path)))
    return total


def rows_by_kind(mapping_set: MappingSet) -> dict[str, int]:
    """The rows of *mapping_set* by predicate, those without a target, those that somebody reviewed, and all.

    SSSOM 1.0, https://mapping-commons.github.io/sssom/: `predicate_id`, `mapping_justification`.
    """
    names = {predicate: name for name, predicate in SHORT.items()}
    counts = dict.fromkeys(("rows", *KINDS_OF_ROWS, "reviewed"), 0)
    for row in mapping_set.rows:
        if row.denied:
            continue
        counts["rows"] += 1
        counts["no-target" if row.object == NO_TERM else names.get(row.predicate, "other")] += 1
        counts["reviewed"] += row.justification == _REVIEW
    return counts


def added_coverage(measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum over reports of different subjects. Texts that are not shown may be the same in several: at least the most are distinct."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    subjects: dict[str, int] = {}
    for one in measured:
        for state, number in one["subjects"].items():
            subjects[state] = subjects.get(state, 0) + number
        for row in one["rows"]:
            known = rows.get(_key(row))
            rows[_key(row)] = _added_row(known, row) if known else dict(row)
    return {
        "profile": measured[0]["profile"],
        "subjects": dict(sorted(subjects.items())),
        "maps": _greatest([one["maps"] for one in measured]),
        "rows": [rows[key] for key in sorted(rows)],
    }


def _greatest(maps: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """The rows of the maps, which are the same for all who use one version of a profile: they are not added up."""
    made: dict[str, dict[str, int]] = {}
    for one in maps:
        for name, counts in one.items():
            known = made.setdefault(name, dict(counts))
            made[name] = {kind: max(known[kind], number) for kind, number in counts.items()}
    return dict(sorted(made.items()))


def _added_row(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "label": max(one["label"], other["label"]),
        "distinct": max(one["distinct"], other["distinct"]),
        "records": one["records"] + other["records"],
        "persons": one["persons"] + other["persons"],
    }


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in _KEY)
