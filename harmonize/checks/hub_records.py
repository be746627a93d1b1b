"""The rules on single hub records, which every conversion runs: each a function that looks cheaply whether it has anything to say."""

from __future__ import annotations

from harmonize.checks.ages import check_ages
from harmonize.checks.dates import check_dates, check_diagnosis_dates, check_evaluations
from harmonize.checks.measurements import check_measurements
from harmonize.checks.record_features import check_features, check_stages
from harmonize.checks.statements import (
    check_contents,
    check_diagnoses,
    check_pedigree,
    check_references,
    check_vital_status,
)
from harmonize.checks.tumours import check_tumours
from harmonize.checks.violations import Check, Circumstances, Violation
from harmonize.hub.objects import HubObject
from harmonize.terminology.store import Terminologies

CHECKS: tuple[Check, ...] = (
    check_dates,
    check_evaluations,
    check_diagnosis_dates,
    check_ages,
    check_features,
    check_stages,
    check_vital_status,
    check_diagnoses,
    check_tumours,
    check_measurements,
    check_pedigree,
    check_references,
    check_contents,
)


def check_record(record: HubObject, terminologies: Terminologies, recorded: str = "") -> list[Violation]:
    """All violations of the rules on single hub records, in a fixed order.

    *recorded* is the last day (ISO 8601) that a date may have; where it is empty, dates in the future are not looked for.
    """
    circumstances = Circumstances(terminologies, recorded)
    return [violation for check in CHECKS for violation in check(record, circumstances)]
