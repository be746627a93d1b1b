"""The packet of one subject under way: ontology classes, times, the prefixes that were used, and the losses.

What records repeat is rendered once and kept as bytes (`orjson.Fragment`), and a path is made only where a loss is said: this
is the hot path of a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from harmonize.findings import Outcome
from harmonize.hub.identities import Identities
from harmonize.hub.objects import HubObject
from harmonize.writers import TargetLog, WriterContext, identifiers_of, kept
from harmonize.writers.phenopackets.common_elements import (
    CACHE_LIMIT,
    NOTHING_COMMON,
    OF_AGENTS,
    Common,
    common_elements,
)

VERSION_NOT_STATED = "not stated"
_PREFERENCE = {
    system: rank
    for rank, system in enumerate(
        (
            "HP",
            "MONDO",
            "OMIM",
            "ORPHA",
            "HGNC",
            "NCBITAXON",
            "GENO",
            "SO",
            "UCUM",
            "LOINC",
            "NCIT",
            "UBERON",
            "SNOMEDCT",
            "ICD10CM",
            "ICD10",
        )
    )
}


class Term(NamedTuple):
    """An OntologyClass: as bytes, its id and label, and whether it holds less than the coded value."""

    coded: Mapping[str, Any]  # held, so that its id stays its own
    body: orjson.Fragment | None  # None where the value has no code
    loses: bool
    code: str
    label: str
    prefix: str


class Double(NamedTuple):
    """A number of protobuf, and whether it is the number that was written."""

    number: float
    exact: bool


@lru_cache(maxsize=CACHE_LIMIT)
def double(digits: str) -> Double:
    """The double for a decimal text; infinite for a number past all bounds.

    >>> double("72.50"), double("0.12345678901234567890").exact
    (Double(number=72.5, exact=True), False)
    """
    number = float(digits)
    try:
        return Double(number, Decimal(repr(number)) == Decimal(digits))
    except InvalidOperation:  # an exponent that Decimal does not take
        return Double(number, exact=False)


def ontology_class(code: str, label: str) -> orjson.Fragment:
    """An OntologyClass as bytes."""
    return kept({"id": code, "label": label})


class RunParts:
    """What is the same for all subjects of a run."""

    def __init__(self, context: WriterContext, *, drops_dates_of_treatments: bool = False) -> None:
        """*drops_dates_of_treatments*: by declaration, because the profile knows treatments with agents only."""
        self.context = context
        self.drops_dates_of_treatments = drops_dates_of_treatments
        self.identities = Identities()
        self.identifiers = identifiers_of(context)
        self.terms: dict[int, Term] = {}
        self.common = Common()
        dates = ("start_date", "end_date") if drops_dates_of_treatments else ()
        self.common_elements = common_elements(self.common, self.tissue_id, OF_AGENTS.union(dates))
        self._units: dict[str, orjson.Fragment] = {}
        self._times: dict[str, orjson.Fragment] = {}
        self._resources: dict[str, tuple[dict[str, str], bool]] = {}

    def term(self, coded: Mapping[str, Any]) -> Term:
        """The OntologyClass of a coded value. Remembers what it rendered: records repeat their codes."""
        known = self.terms.get(id(coded))
        if known is None:
            if len(self.terms) >= CACHE_LIMIT:
                self.terms.clear()
            known = self.terms[id(coded)] = _rendered(coded)
            if known.body is not None and not known.loses:
                self.common.learn_term(coded, known.code, known.label, known.prefix)
        return known

    def tissue_id(self, subject_id: str, diagnosis: HubObject) -> str:
        """The id of the tissue of the tumour of which a diagnosis of a subject speaks."""
        return self.identifiers["phenopacket/tissue"](f"{subject_id}|{self.identities.of(diagnosis)}")

    def unit(self, ucum: str) -> orjson.Fragment:
        """The OntologyClass of a UCUM unit."""
        known = self._units.get(ucum)
        if known is None:
            if len(self._units) >= CACHE_LIMIT:
                self._units.clear()
            known = self._units[ucum] = ontology_class(f"UCUM:{ucum}", ucum)
            self.common.learn_unit(ucum)
        return known

    def time(self, day: str) -> orjson.Fragment:
        """The TimeElement of a known day."""
        known = self._times.get(day)
        if known is None:
            if len(self._times) >= CACHE_LIMIT:
                self._times.clear()
            known = self._times[day] = kept({"timestamp": midnight(day)})
        return known

    def resource(self, prefix: str) -> tuple[dict[str, str], bool]:
        """The Resource of a code system, and whether its version is a default."""
        known = self._resources.get(prefix)
        if known is None:
            system = self.context.systems[prefix]
            edition = self.context.editions.get(prefix)
            resource = {
                "id": system.phenopackets.id,
                "name": system.phenopackets.name,
                "url": system.phenopackets.url,
                "version": edition or VERSION_NOT_STATED,
                "namespacePrefix": prefix,
                "iriPrefix": system.phenopackets.iri_prefix,
            }
            known = self._resources[prefix] = (resource, edition is None)
        return known


def _rendered(coded: Mapping[str, Any]) -> Term:
    codings = coded.get("codings", ())
    if not codings:
        return Term(coded, None, loses=True, code="", label="", prefix="")
    rank = min(range(len(codings)), key=lambda i: (_PREFERENCE.get(codings[i]["system"], 99), i))
    picked = codings[rank]
    others = [c for c in codings if c is not picked and c["origin"] == "stated"]
    loses = "qualifiers" in coded or (bool(others) and (picked["origin"] == "stated" or len(others) > 1))
    code, label = picked["code"], picked.get("label") or picked["code"]
    return Term(coded, ontology_class(code, label), loses, code, label, code.partition(":")[0])


def midnight(day: str) -> str:
    """The Timestamp of a known day; it means the day."""
    return f"{day}T00:00:00Z"


class Sheet:
    """Collects the packet of one subject.

    `under_way` says which element is being made; the paths that its methods take are those inside of it. Where a compiler was,
    `term`, `term_of` and `put` are done by the extension `sheet_methods`.
    """

    def __init__(self, run: RunParts, record: HubObject, log: TargetLog) -> None:
        self.run, self.record, self.log = run, record, log
        self.elements = run.common_elements if log.trace is None else NOTHING_COMMON
        self.prefixes: set[str] = set()
        self._place = ""
        self._made: Sized | None = None

    def under_way(self, place: str, made: Sized | None = None) -> None:
        """What follows is about the element at *place* or, where it is an array, about the item after those already *made*."""
        self._place, self._made = place, made

    def path(self, inside: str = "") -> str:
        """The JSON Pointer of what is *inside* the element under way."""
        return f"{self._place}{inside}" if self._made is None else f"{self._place}/{len(self._made)}{inside}"

    def lost(
        self, hub_object: HubObject, slot: str, inside: str, message: str, outcome: Outcome = Outcome.DROPPED
    ) -> None:
        """Say that *slot* of *hub_object* is not in the packet, or is there with less than it held."""
        self.log.unsupported(hub_object, slot, self.path(inside), message, outcome)

    def made(self, hub_object: HubObject) -> None:
        """Note that *hub_object* made the element under way."""
        if self.log.trace is not None:
            self.log.made(self.path(), hub_object)

    def term(self, holder: HubObject, slot: str, inside: str) -> Term | None:
        """The OntologyClass of a coded slot; None, with a loss, where the value has no code."""
        coded = holder.get(slot)
        return None if coded is None else self.term_of(holder, slot, coded, inside)

    def term_of(self, holder: HubObject, slot: str, coded: Mapping[str, Any], inside: str) -> Term | None:
        """The OntologyClass of *coded*, a value of *slot*; None, with a loss, where it has no code."""
        term = self.run.terms.get(id(coded)) or self.run.term(coded)
        if term.loses:
            if term.body is None:
                self.lost(holder, slot, inside, "an ontology class needs a code; there is none")
                return None
            message = "an ontology class holds one of several stated codes, and no qualifier"
            self.lost(holder, slot, inside, message, Outcome.COARSENED)
        self.prefixes.add(term.prefix)
        return term

    def terms(self, holder: HubObject, slot: str, inside: str) -> list[Term]:
        """The OntologyClasses of a slot of several coded values, without those that have no code."""
        made = (self.term_of(holder, slot, coded, inside) for coded in holder.get(slot, ()))
        return [term for term in made if term is not None]

    def first_of(self, holder: HubObject, slot: str, inside: str) -> Term | None:
        """The first OntologyClass of a slot of several coded values, where the element holds one; the others are lost."""
        terms = self.terms(holder, slot, inside)
        if len(terms) > 1:
            self.lost(holder, slot, inside, "the element holds one of several values", Outcome.COARSENED)
        return terms[0] if terms else None

    def put(self, entry: dict[str, Any], name: str, holder: HubObject, slot: str) -> None:
        """Put the OntologyClass of a slot into *entry* as its element *name*, where there is one."""
        if slot in holder:
            term = self.term(holder, slot, f"/{name}")
            if term is not None:
                entry[name] = term.body

    def day(self, holder: HubObject, slot: str, inside: str) -> str | None:
        """The day of a date; None, with a loss, where less is known: a timestamp has no coarser form."""
        date = holder.get(slot)
        if date is None:
            return None
        if date["precision"] != "day":
            self.lost(holder, slot, inside, f"a timestamp needs the day; the {date['precision']} is known")
            return None
        if date.get("estimated"):
            self.lost(holder, slot, inside, "a timestamp does not say that it is an estimate", Outcome.COARSENED)
        return str(date["value"])

    def timestamp(self, holder: HubObject, slot: str, inside: str) -> orjson.Fragment | None:
        """The TimeElement of a date."""
        day = self.day(holder, slot, inside)
        return None if day is None else self.run.time(day)

    def time(self, holder: HubObject, date: str, age: str, stage: str, inside: str) -> Any:
        """The TimeElement from a date, an age or a coded stage; one is written, the others are lost."""
        made: Any = self.timestamp(holder, date, inside) if date in holder else None
        if age in holder:
            if made is None:
                made = {"age": {"iso8601duration": holder[age]}}
            else:
                self._second_form(holder, age, inside)
        if stage in holder:
            if made is None:
                term = self.term(holder, stage, inside)
                made = None if term is None else {"ontologyClass": term.body}
            else:
                self._second_form(holder, stage, inside)
        return made

    def _second_form(self, holder: HubObject, slot: str, inside: str) -> None:
        self.lost(holder, slot, inside, "a time element holds one form; another is preferred")
