"""The rules on single hub records, which every conversion runs: each a function that looks cheaply whether it has anything to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from harmonize.checks.ages import check_ages, slots_of_ages
from harmonize.checks.dates import check_dates, check_diagnosis_dates, check_evaluations
from harmonize.checks.measurements import check_measurements
from harmonize.checks.record_features import check_features, check_stages, slots_of_stages
from harmonize.checks.statements import (
    check_contents,
    check_diagnoses,
    check_pedigree,
    check_references,
    check_variants,
    check_vital_status,
)
from harmonize.checks.tumours import check_tumours
from harmonize.checks.violations import Check, Circumstances, Violation
from harmonize.hub.objects import HubObject
from harmonize.terminology.store import Terminologies


class RecordCheck(NamedTuple):
    """A check, and the slots (`Class.slot`) of which a record must have one for the check to have something to say; empty: always."""

    check: Check
    asks: frozenset[str] = frozenset()


CHECKS: tuple[RecordCheck, ...] = (
    RecordCheck(check_dates),
    RecordCheck(check_evaluations, frozenset({"TNM.date_of_evaluation"})),
    RecordCheck(check_diagnosis_dates, frozenset({"Diagnosis.date_of_diagnosis"})),
    RecordCheck(check_ages, frozenset(slots_of_ages())),
    RecordCheck(check_features, frozenset({"Subject.phenotypic_features"})),
    RecordCheck(check_stages, frozenset(slots_of_stages())),
    RecordCheck(check_vital_status, frozenset({"Subject.vital_status"})),
    RecordCheck(check_diagnoses, frozenset({"Subject.diagnoses"})),
    RecordCheck(check_tumours, frozenset({"Subject.diagnoses"})),
    RecordCheck(check_measurements, frozenset({"Subject.measurements"})),
    RecordCheck(check_variants, frozenset({"Subject.variants"})),
    RecordCheck(check_pedigree, frozenset({"Subject.pedigree"})),
    RecordCheck(check_references, frozenset({"Sequence.sample_id", "TNM.sample_id", "Variant.sequence_id"})),
    RecordCheck(check_contents),
)
ALL_CHECKS: tuple[Check, ...] = tuple(known.check for known in CHECKS)


def checks_of(filled: frozenset[str]) -> tuple[Check, ...]:
    """The checks that may have something to say of records with no other slots than those *filled* (`Class.slot`).

    >>> len(checks_of(frozenset({"Subject.sex_at_birth"})))
    2
    """
    return tuple(known.check for known in CHECKS if not known.asks or not known.asks.isdisjoint(filled))


def check_record(
    record: HubObject, terminologies: Terminologies, recorded: str = "", checks: Sequence[Check] = ALL_CHECKS
) -> list[Violation]:
    """All violations of the rules on single hub records, in a fixed order.

    *recorded* is the last day (ISO 8601) that a date may have; where it is empty, dates in the future are not looked for.
    """
    circumstances = Circumstances(terminologies, recorded)
    return [violation for check in checks for violation in check(record, circumstances)]
