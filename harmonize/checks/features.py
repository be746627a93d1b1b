"""Rules on the phenotypic features of one person, whatever the format: repeated, contradicting and redundant statements.

Alternative and obsolete ids are resolved first. That a general term is present and a special one excluded is no
contradiction. The rules are those that phenopacket-tools and pyphetools check, made anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harmonize.terminology.answers import Found
from harmonize.terminology.store import Terminologies


class StatedFeature(NamedTuple):
    """A feature as stated: its code (a CURIE) and whether it is excluded."""

    code: str
    excluded: bool


class FeatureProblem(NamedTuple):
    """A broken rule, and the index of the feature that breaks it."""

    rule: str
    position: int
    message: str


def feature_problems(
    features: Sequence[StatedFeature | None], terminologies: Terminologies
) -> Iterator[FeatureProblem]:
    """Every problem among *features*; None stands for a feature without a code.

    >>> two = [StatedFeature("HP:0002069", False), StatedFeature("HP:0001250", True)]
    >>> [problem.rule for problem in feature_problems(two, Terminologies.installed())]
    ['plausibility.excluded-ancestor']
    """
    if len(features) < 2:
        return
    observed: dict[str, int] = {}
    excluded: dict[str, int] = {}
    for index, feature in enumerate(features):
        answer = terminologies.resolve(feature.code) if feature is not None else None
        if feature is None or not isinstance(answer, Found):
            continue
        known = excluded if feature.excluded else observed
        if answer.code in known:
            yield FeatureProblem("plausibility.duplicate-feature", index, f"{answer.code} is stated twice")
        known.setdefault(answer.code, index)
    yield from _of_observed(observed, excluded, terminologies)
    yield from _of_excluded(excluded, terminologies)


def _of_observed(
    observed: dict[str, int], excluded: dict[str, int], terminologies: Terminologies
) -> Iterator[FeatureProblem]:
    for code, index in observed.items():
        if code in excluded:
            yield FeatureProblem(
                "plausibility.observed-and-excluded", index, f"{code} is stated as observed and as excluded"
            )
        ancestors = terminologies.ancestors(code) - {code}
        for ancestor in sorted(ancestors & observed.keys()):
            message = f"{ancestor} is implied by its descendant {code}"
            yield FeatureProblem("plausibility.term-beside-ancestor", observed[ancestor], message)
        for ancestor in sorted(ancestors & excluded.keys()):
            message = f"{code} is observed and its ancestor {ancestor} is excluded"
            yield FeatureProblem("plausibility.excluded-ancestor", index, message)


def _of_excluded(excluded: dict[str, int], terminologies: Terminologies) -> Iterator[FeatureProblem]:
    for code, index in excluded.items():
        for ancestor in sorted((terminologies.ancestors(code) - {code}) & excluded.keys()):
            yield FeatureProblem(
                "plausibility.redundant-exclusion", index, f"excluding {ancestor} already excludes {code}"
            )
