"""Rules on the phenotypic features of one person, whatever the format: repeated, contradicting and redundant statements.

Alternative and obsolete ids are resolved first. That a general term is present and a special one excluded is no
contradiction. The rules are those that phenopacket-tools and pyphetools check, made anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harmonize.terminology.answers import Found
from harmonize.terminology.store import Terminologies

PHENOTYPES = "HP:0000118"
"""Phenotypic abnormality: the branch of HPO that features of a person are from."""


class StatedFeature(NamedTuple):
    """A feature as stated: its code (a CURIE), whether it is excluded, and when it was assessed (empty: not stated)."""

    code: str
    excluded: bool
    assessed: str = ""


class FeatureProblem(NamedTuple):
    """A broken rule, and the index of the feature that breaks it."""

    rule: str
    position: int
    message: str


_Places = dict[str, list[tuple[int, str]]]
"""Code -> where it is stated: the index of the feature, and when it was assessed."""


def feature_problems(
    features: Sequence[StatedFeature | None], terminologies: Terminologies
) -> Iterator[FeatureProblem]:
    """Every problem among *features*; None stands for a feature without a code.

    What was assessed at two times may differ and be repeated; what has no time is compared with all. What is implied says nothing
    more at any time.

    >>> two = [StatedFeature("HP:0002069", False), StatedFeature("HP:0001250", True)]
    >>> [problem.rule for problem in feature_problems(two, Terminologies.installed())]
    ['plausibility.excluded-ancestor']
    """
    observed: _Places = {}
    excluded: _Places = {}
    for index, feature in enumerate(features):
        if feature is None:
            continue
        answer = terminologies.resolve(feature.code)
        if answer.__class__ is not Found:
            continue
        code = answer.code
        if PHENOTYPES not in terminologies.ancestors(code) and code.startswith("HP:"):
            message = f"{code} is no phenotypic abnormality but a term of another branch of HPO"
            yield FeatureProblem("plausibility.not-a-phenotype", index, message)
        places = (excluded if feature.excluded else observed).setdefault(code, [])
        if places and _beside(places, feature.assessed) is not None:
            yield FeatureProblem("plausibility.duplicate-feature", index, f"{code} is stated twice")
        places.append((index, feature.assessed))
    stated = {*observed, *excluded}
    for code in stated:
        if code in observed and code in excluded:
            break
        if len(terminologies.ancestors(code) & stated) > 1:
            break
    else:
        return
    yield from _of_observed(observed, excluded, terminologies)
    yield from _of_excluded(excluded, terminologies)


def _beside(places: list[tuple[int, str]], assessed: str) -> int | None:
    """The index of the first of *places* that is not of another time than *assessed*."""
    return next((index for index, other in places if not other or not assessed or other == assessed), None)


def _of_observed(observed: _Places, excluded: _Places, terminologies: Terminologies) -> Iterator[FeatureProblem]:
    for code, places in observed.items():
        ancestors = terminologies.ancestors(code)
        for index, assessed in places:
            if code in excluded and _beside(excluded[code], assessed) is not None:
                message = f"{code} is stated as observed and as excluded"
                yield FeatureProblem("plausibility.observed-and-excluded", index, message)
            for ancestor in sorted(ancestors & excluded.keys()):
                if ancestor != code and _beside(excluded[ancestor], assessed) is not None:
                    message = f"{code} is observed and its ancestor {ancestor} is excluded"
                    yield FeatureProblem("plausibility.excluded-ancestor", index, message)
        for ancestor in sorted(ancestors & observed.keys()):
            if ancestor != code:  # whenever it was assessed: it says nothing more
                message = f"{ancestor} is implied by its descendant {code}"
                yield FeatureProblem("plausibility.term-beside-ancestor", observed[ancestor][0][0], message)


def _of_excluded(excluded: _Places, terminologies: Terminologies) -> Iterator[FeatureProblem]:
    for code, places in excluded.items():
        for ancestor in sorted(terminologies.ancestors(code) & excluded.keys()):
            if ancestor != code:
                message = f"excluding {ancestor} already excludes {code}"
                yield FeatureProblem("plausibility.redundant-exclusion", places[0][0], message)
