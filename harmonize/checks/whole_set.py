"""Rules on a whole set of records: what each record contributes, and an account of the set that grows and merges.

Adding and merging are associative and commutative: parts of a set that are judged apart and merged say what the whole says. Memory is
bounded by the caps: beyond them the rule is not checked, and says so; no count is ever a guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from harmonize.checks.ages import YEAR, age_days, days_between
from harmonize.checks.catalogue import rule
from harmonize.checks.codes import edition_date
from harmonize.checks.measurements import has_no_result, has_no_unit
from harmonize.findings import Finding, add_counts
from harmonize.hub import hub_schema
from harmonize.hub.objects import is_stated, local_code
from harmonize.terminology.store import Terminologies

K = 5
"""A combination that fewer persons share is rare: the cell size below which EHDEN deletes counts."""
CAP = 1_000_000
"""Distinct combinations, or ids of records, that are kept: some hundred megabytes at most."""
_NINETY = 90 * YEAR
"""Ages over 89 are identifiers by 45 CFR 164.514(b)(2)(i)(C), the Safe Harbor of HIPAA."""


class Contribution(NamedTuple):
    """What a record says to the rules on the set: its id, what it is known by, the rules it counts for, editions of its codes."""

    key: str | None
    combination: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    editions: frozenset[tuple[str, str]] = frozenset()
    of_family: bool = False
    """Whether it is the proband of a Family, who may stand in the set by itself as well."""

    def is_of_texts(self) -> bool:
        """Whether all that it is known by are texts, as they are in every record that keeps to its schema."""
        parts = [*self.combination, *(part for edition in self.editions for part in edition)]
        return all(isinstance(part, str) for part in (*parts, "" if self.key is None else self.key))


def _digest(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=12).digest()


OF_THE_SET = frozenset(
    {"accounting.newer-edition", "accounting.older-edition", "accounting.not-checked", "privacy.not-checked"}
)
"""Rules whose findings are each about the set; those of the others count records."""


@dataclass
class SetAccount:
    """The account of a set of records.

    >>> one, two = SetAccount(), SetAccount()
    >>> one.add(Contribution("a")); two.add(Contribution("a"))
    >>> one.merge(two)
    >>> [finding.rule for finding in one.findings(Terminologies({}))]
    ['accounting.duplicate-record']
    """

    cap: int = CAP
    records: int = 0
    with_key: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    editions: dict[tuple[str, str], int] = field(default_factory=dict)
    combinations: dict[tuple[str, ...], int] | None = field(default_factory=dict)
    """Combination -> persons; None where there are more than the cap."""
    keys: set[bytes] | None = field(default_factory=set)
    """Digests of the ids; None where there are more than the cap."""
    probands: list[Contribution] | None = field(default_factory=list)
    """Those of families. In the end they count where they do not stand in the set by themselves; None where there are more than the cap."""

    def add(self, contribution: Contribution) -> None:
        """Count a record."""
        if contribution.of_family:
            if self.probands is not None:
                self.probands.append(contribution)
            self._keep_to_the_cap()
            return
        self.records += 1
        for rule_id in contribution.counted:
            self.counts[rule_id] = self.counts.get(rule_id, 0) + 1
        for edition in contribution.editions:
            self.editions[edition] = self.editions.get(edition, 0) + 1
        if contribution.key is not None:
            self.with_key += 1
            if self.keys is not None:
                self.keys.add(_digest(contribution.key))
        if self.combinations is not None and any(contribution.combination):
            known = self.combinations
            known[contribution.combination] = known.get(contribution.combination, 0) + 1
        self._keep_to_the_cap()

    def _families(self) -> Iterator[Finding]:
        """Counts the probands; past a cap nobody knows who stands in the set, and it is said that none of them is counted."""
        if self.probands is None or (self.probands and self.keys is None):
            yield _finding(
                "accounting.not-checked",
                f"families: more than {self.cap} of them or of ids, their probands are not counted",
            )
        elif self.keys is not None:
            standing = frozenset(self.keys) if self.probands else frozenset()
            for proband in self.probands:
                if proband.key is None or _digest(proband.key) not in standing:
                    self.add(proband._replace(of_family=False))
            self.probands = []

    def merge(self, other: SetAccount) -> None:
        """Add what *other* counted of other records."""
        self.probands = None if self.probands is None or other.probands is None else self.probands + other.probands
        self.records += other.records
        self.with_key += other.with_key
        add_counts(self.counts, other.counts)
        add_counts(self.editions, other.editions)
        if self.keys is None or other.keys is None:
            self.keys = None
        else:
            self.keys |= other.keys
        if self.combinations is None or other.combinations is None:
            self.combinations = None
        else:
            add_counts(self.combinations, other.combinations)
        self._keep_to_the_cap()

    def _keep_to_the_cap(self) -> None:
        if self.probands is not None and len(self.probands) > self.cap:
            self.probands = None
        if self.keys is not None and len(self.keys) > self.cap:
            self.keys = None
        if self.combinations is not None and len(self.combinations) > self.cap:
            self.combinations = None

    def findings(self, terminologies: Terminologies) -> Iterator[Finding]:
        """One finding a rule, with the number of records that it counts. No finding names a person."""
        yield from self._families()
        for rule_id, number in sorted(self.counts.items()):
            yield _finding(rule_id, f"{number} of {self.records} records: {rule(rule_id).title}", number)
        yield from self._duplicates()
        yield from self._rare()
        yield from self._editions(terminologies.editions())

    def _duplicates(self) -> Iterator[Finding]:
        if self.keys is None:
            message = f"duplicate-record: more than {self.cap} ids"
            yield _finding("accounting.not-checked", message)
        elif self.with_key > len(self.keys):
            number = self.with_key - len(self.keys)
            message = f"{number} of {self.records} records have the id of another one of the set"
            yield _finding("accounting.duplicate-record", message, number)

    def _rare(self) -> Iterator[Finding]:
        if self.combinations is None:
            yield _finding("privacy.not-checked", f"rare-combination: more than {self.cap} combinations")
            return
        persons = sum(number for number in self.combinations.values() if number < K)
        if persons and self.records >= K:
            message = f"{persons} of {self.records} records share year of birth, sex, country and diagnosis with fewer than {K - 1} others"
            yield _finding("privacy.rare-combination", message, persons)

    def _editions(self, installed: Mapping[str, str]) -> Iterator[Finding]:
        for (system, version), number in sorted(self.editions.items()):
            stated, known = edition_date(version), edition_date(installed.get(system, ""))
            if stated is None or known is None or stated == known:
                continue
            rule_id = "accounting.newer-edition" if stated > known else "accounting.older-edition"
            message = f"{number} records have codes of {system} {stated}; they are judged by {known}"
            yield _finding(rule_id, message)


def _finding(rule_id: str, message: str, number: int = 1) -> Finding:
    return Finding(rule_id, rule(rule_id).severity, message, fix=rule(rule_id).fix, count=number)


# --- what a hub record contributes ----------------------------------------------------------------------------------

_AGED = ("onset_age", "age_at_diagnosis", "age_at_assessment", "age", "age_at_collection")
_CODED = (("diagnoses", "disease"), ("phenotypic_features", "type"), ("measurements", "assay"))


def hub_contribution(record: Mapping[str, Any]) -> Contribution:
    """What a hub record, or the record that stands for a phenopacket, says to the rules on the set."""
    counted = list(_of_privacy(record)) + list(_of_completeness(record))
    stated = record.get("schema_version")
    if stated is not None and stated != hub_schema().version:
        counted.append("accounting.schema-version")
    return Contribution(record.get("subject_id"), _combination(record), tuple(counted), frozenset(_editions(record)))


def _of_privacy(record: Mapping[str, Any]) -> Iterator[str]:
    birth = record.get("birth_date")
    if birth is not None and birth.get("precision") == "day":
        yield "privacy.exact-birth-date"
    if any(days is not None and days.low >= _NINETY for days in _ages(record)):
        yield "privacy.age-over-89"


def _ages(record: Mapping[str, Any]) -> Iterator[Any]:
    vital = record.get("vital_status", {})
    if "age_at_death" in vital:
        yield age_days(vital["age_at_death"])
    yield days_between(record.get("birth_date"), vital.get("date_of_death"))
    yield days_between(record.get("birth_date"), record.get("date_of_last_follow_up"))
    for items in record.values():
        if isinstance(items, list):
            for item in items:
                if isinstance(item, dict):
                    yield from (age_days(item[slot]) for slot in _AGED if slot in item)


def _of_completeness(record: Mapping[str, Any]) -> Iterator[str]:
    if not record.get("undiagnosed") and not any(is_stated(d.get("disease")) for d in record.get("diagnoses", ())):
        yield "completeness.no-diagnosis"
    if not record.get("phenotypic_features"):
        yield "completeness.no-feature"
    if not record.get("samples"):
        yield "completeness.no-sample"
    if "birth_date" not in record and not is_stated(record.get("sex_at_birth") or record.get("administrative_gender")):
        yield "completeness.no-demographics"
    if any("codings" not in item.get(slot, ()) for name, slot in _CODED for item in record.get(name, ())):
        yield "completeness.uncoded"
    measurements = record.get("measurements", ())
    if any(map(has_no_result, measurements)):
        yield "completeness.measurement-without-result"
    if any(map(has_no_unit, measurements)):
        yield "completeness.value-without-unit"


def _combination(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Year of birth, sex, country and first diagnosis: what a neighbour may know."""
    sex = local_code(record.get("sex_at_birth"), "BIRTHSEX") or local_code(
        record.get("administrative_gender"), "GENDER"
    )
    country = local_code(record.get("country_of_origin") or record.get("country_of_birth"), "ISO3166")
    codings = [
        d["disease"].get("codings") for d in record.get("diagnoses", ()) if "disease" in d and not d.get("excluded")
    ]
    disease = next((coding[0]["code"] for coding in codings if coding), "")
    return (record.get("birth_date", {}).get("value", "")[:4], sex or "", country or "", disease)


def _editions(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for coding in value.get("codings", ()):
            if "version" in coding:
                yield coding["system"], coding["version"]
        for name, item in value.items():
            if name != "codings" and isinstance(item, dict | list):
                yield from _editions(item)
    elif isinstance(value, list):
        for item in value:
            yield from _editions(item)
