"""The rules on phenotypic features, on hub records; and on terms that stand where terms of another branch of HPO belong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harmonize.checks.ages import is_of_another_time
from harmonize.checks.features import StatedFeature, feature_problems
from harmonize.checks.violations import Circumstances, Violation
from harmonize.hub import hub_schema
from harmonize.hub.objects import HubObject
from harmonize.terminology.answers import Found
from harmonize.terminology.store import Terminologies

ONSET, SEVERITY, MODIFIER = "HP:0003674", "HP:0012824", "HP:0012823"
"""Branches of HPO 2026-02-16: Onset, Severity (itself a modifier) and Clinical modifier."""


def check_features(record: HubObject, circumstances: Circumstances) -> Iterator[Violation]:
    """Repeated, contradicting and redundant features, and features that are none."""
    features = record.get("phenotypic_features")
    if not features:
        return
    terminologies = circumstances.terminologies
    for rule, index, message in feature_problems([_stated(feature) for feature in features], terminologies):
        yield Violation(rule, f"/phenotypic_features/{index}/type", message, features[index], "type")
    for index, feature in enumerate(features):
        if "severity" in feature and not _is_of(feature["severity"], SEVERITY, terminologies):
            yield _elsewhere(feature, "severity", f"/phenotypic_features/{index}/severity")
        if "modifiers" in feature:
            for number, modifier in enumerate(feature["modifiers"]):
                if not _is_of(modifier, MODIFIER, terminologies):
                    yield _elsewhere(feature, "modifiers", f"/phenotypic_features/{index}/modifiers/{number}")


def _stated(feature: HubObject) -> StatedFeature | None:
    for coding in feature.get("type", {}).get("codings", ()):
        if coding["system"] == "HP":
            return StatedFeature(coding["code"], feature.get("excluded", False), _assessed(feature))
    return None


def _assessed(feature: HubObject) -> str:
    """When the feature was assessed, as a text that is the same for the same time; empty where nobody says."""
    date = feature.get("date_of_assessment")
    return str(date["value"] if date is not None else feature.get("age_at_assessment", ""))


_STAGED: tuple[tuple[str, str, str, str], ...] = (
    ("diagnoses", "onset_stage", "onset_age", "onset_date"),
    ("diagnoses", "stage_at_diagnosis", "age_at_diagnosis", "date_of_diagnosis"),
    ("phenotypic_features", "onset_stage", "onset_age", "onset_date"),
    ("symptom_onsets", "stage", "age", "date"),
)


def slots_of_stages() -> set[str]:
    """`Class.slot` of every coded onset that is judged."""
    subject = hub_schema().classes["Subject"]
    return {f"{subject[collection].range}.{staged}" for collection, staged, _, _ in _STAGED}


def check_stages(record: HubObject, circumstances: Circumstances) -> Iterator[Violation]:
    """Coded onsets are terms of the onset branch, where they are of HPO, and of the time of life of the age or date beside them."""
    for collection, staged, aged, dated in _STAGED:
        items = record.get(collection)
        if items is None:
            continue
        for index, item in enumerate(items):
            if staged not in item:
                continue
            if not _is_of(item[staged], ONSET, circumstances.terminologies):
                yield _elsewhere(item, staged, f"/{collection}/{index}/{staged}")
            elif (aged in item or dated in item) and is_of_another_time(
                item[staged], item.get(aged), record.get("birth_date"), item.get(dated)
            ):
                message = f"{staged} is another time of life than the age or the date beside it"
                yield Violation("plausibility.onset-stage", f"/{collection}/{index}/{staged}", message, item, staged)


def _is_of(value: Any, branch: str, terminologies: Terminologies) -> bool:
    """Whether nothing says that *value* is a term of HPO that is not in *branch*."""
    for coding in value.get("codings", ()):
        if coding["system"] == "HP":
            if branch in terminologies.ancestors(coding["code"]):
                return True
            answer = terminologies.resolve(coding["code"])
            return not isinstance(answer, Found) or branch in terminologies.ancestors(answer.code)
    return True


_BRANCHES = {"severity": SEVERITY, "modifiers": MODIFIER}


def _elsewhere(item: HubObject, slot: str, path: str) -> Violation:
    message = f"the term is not in the branch of HPO for {slot}, {_BRANCHES.get(slot, ONSET)}"
    return Violation("plausibility.wrong-branch", path, message, item, slot)
