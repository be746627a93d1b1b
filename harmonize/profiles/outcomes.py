"""Outcomes of tests as features: a LOINC test with its result -> the HPO term that is there, or the one that is not.

Two functions, so that what a normal result rules out can never stand as a feature that was seen: each gives the one kind only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harmonize.findings import Outcome, Severity
from harmonize.profiles.coded_values import CACHE_LIMIT, Environment, coding
from harmonize.profiles.notes import Noted
from harmonize.terminology.code_maps import Target, Translation
from harmonize.terminology.notation import Code


def _answers(environment: Environment, value: Mapping[str, Any], outcome: str, map_name: str) -> list[Translation]:
    code_map = environment.code_maps[map_name]
    return [
        code_map.answer(stated["code"], environment.predicates, outcome.strip()) for stated in value.get("codings", ())
    ]


def _target(answers: list[Translation]) -> Target | None:
    return next((answer.targets[0] for answer in answers if answer.status == "mapped"), None)


def _feature(environment: Environment, target: Target) -> dict[str, Any]:
    system, _, local = target.code.partition(":")
    made, _ = coding(environment, Code(system, local), origin="mapped")
    made = made.get("replaced", made)
    row = {"row": target.rows[0]} if len(target.rows) == 1 else {}
    stated = {"predicate": target.predicate, "mapping_set": target.mapping_set}
    return {"codings": [{**made, **stated, **row}]}


def _memoised(make: Callable[[Mapping[str, Any], str, str], Any]) -> Callable[..., Any]:
    """Memo by the identity of the interned coded value, which it keeps alive, and the outcome."""
    memo: dict[tuple[int, str, str], tuple[Any, Any]] = {}

    def answer(value: Any, outcome: str | None, map_name: str) -> Any:
        if outcome is None:
            return None
        key = (id(value), outcome, map_name)
        found = memo.get(key)
        if found is None:
            if len(memo) >= CACHE_LIMIT:
                memo.clear()
            found = memo[key] = (value, make(value, outcome, map_name))
        return found[1]

    return answer


def make_outcome_feature(environment: Environment) -> Callable[..., Any]:
    """`outcome_feature(coded, outcome, map)`: the feature that the outcome of a test shows; what it rules out gives nothing."""

    def feature(value: Mapping[str, Any], outcome: str, map_name: str) -> Any:
        answers = _answers(environment, value, outcome, map_name)
        target = _target(answers)
        if target is not None:
            return None if target.excluded else _feature(environment, target)
        if not answers:
            return None
        ambiguous = any(answer.status == "ambiguous" for answer in answers)
        code = answers[0].source
        if ambiguous:
            message = f"{code} with this outcome has several targets in {environment.code_maps[map_name].id}"
            return Noted(
                None, "terms.ambiguous", Severity.WARNING, Outcome.UNMAPPED, message, "decide in the mapping set"
            )
        message = f"{code} with this outcome has no target in {environment.code_maps[map_name].id}"
        return Noted(None, "terms.unmapped", Severity.INFO, Outcome.UNMAPPED, message, "add a row to the mapping set")

    return _memoised(feature)


def make_outcome_absent(environment: Environment) -> Callable[..., Any]:
    """`outcome_absent(coded, outcome, map)`: the feature that the outcome of a test rules out; nothing for other outcomes."""

    def absent(value: Mapping[str, Any], outcome: str, map_name: str) -> Any:
        target = _target(_answers(environment, value, outcome, map_name))
        return _feature(environment, target) if target is not None and target.excluded else None

    return _memoised(absent)


def make_outcome_excluded(environment: Environment) -> Callable[..., Any]:
    """`outcome_excluded(coded, outcome, map)`: whether the outcome of a test rules its feature out; nothing where it says neither."""

    def excluded(value: Mapping[str, Any], outcome: str, map_name: str) -> bool | None:
        target = _target(_answers(environment, value, outcome, map_name))
        return target.excluded if target is not None else None

    return _memoised(excluded)
