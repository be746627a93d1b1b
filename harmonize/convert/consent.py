"""What a record says of the reuse of its data, and whether it may be converted."""

from __future__ import annotations

from enum import StrEnum

from harmonize.findings import Outcome
from harmonize.hub.objects import HubObject
from harmonize.profiles.notes import SubjectLog

_UNREADABLE = (Outcome.REJECTED, Outcome.UNMAPPED)
_NOT_IN_FORCE = ("draft", "proposed", "entered-in-error")
_WITHDRAWN = ("rejected", "inactive")
"""States of HL7 consent-state-codes: what never was in force says nothing, what is no longer in force is a refusal."""
_DECISIVE = ("Consent.decision", "Consent.status")


class ConsentAnswer(StrEnum):
    """The answers. Under `--consent require`, who refused and who cannot be read is not converted."""

    STATED = "stated"
    NOT_STATED = "not-stated"
    REFUSED = "refused"
    UNREADABLE = "unreadable"

    @property
    def withholds(self) -> bool:
        """Whether the subject is skipped unless the caller asks for everything."""
        return self in _WITHHOLDING

    @property
    def rule(self) -> str | None:
        """The rule that speaks of this answer; None where consent is stated."""
        return _RULES.get(self)


_WITHHOLDING = frozenset({ConsentAnswer.REFUSED, ConsentAnswer.UNREADABLE})
_RULES = {
    ConsentAnswer.NOT_STATED: "privacy.consent-not-stated",
    ConsentAnswer.REFUSED: "privacy.consent-refused",
    ConsentAnswer.UNREADABLE: "privacy.consent-unreadable",
}


def consent_answer(record: HubObject, log: SubjectLog) -> ConsentAnswer:
    """What *record* says, and what the profile could not read of it (*log*).

    A refusal that names no purpose is one of all purposes. A person who opted out of the registry refused.
    """
    if "participation_status" in record:
        status = record["participation_status"].get("status", {})
        if any(coding["code"] == "ERDRISTATUS:opted-out" for coding in status.get("codings", ())):
            return ConsentAnswer.REFUSED
    if not (log.notes or "consents" in record):  # as of most records of registries
        return ConsentAnswer.NOT_STATED
    reuse = [c for c in record.get("consents", ()) if c.get("purpose", "data_reuse") == "data_reuse"]
    counted = [c for c in reuse if c.get("status") not in _NOT_IN_FORCE]
    if any(c.get("decision") == "deny" or c.get("status") in _WITHDRAWN for c in counted):
        return ConsentAnswer.REFUSED
    if any(slot in _DECISIVE and noted.outcome in _UNREADABLE for noted, _, slot in log.notes):
        return ConsentAnswer.UNREADABLE
    stated = any("purpose" in c and "decision" in c for c in counted)
    return ConsentAnswer.STATED if stated else ConsentAnswer.NOT_STATED
