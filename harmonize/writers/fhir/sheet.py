"""The resources of one subject under way: ids, references, what every resource carries, and the losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from harmonize.findings import Outcome
from harmonize.hub.identities import Identities
from harmonize.hub.objects import HubObject
from harmonize.profiles.memos import Memo, MemoOfSeveral
from harmonize.writers import Document, TargetLog, WriterContext, identifiers_of, kept
from harmonize.writers.fhir.datatypes import Concepts, age, number

PSEUDED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "PSEUDED",
    "display": "pseudonymized",
}
Part = tuple[str, str, dict[str | None, str]]
"""A part of a TNM classification: the slot, the kind of its Observation, and the JSON of that one's code by the evaluation."""


class Meta:
    """Resource.meta, by the profile that a resource claims: where the data come from and the security label."""

    def __init__(self, context: WriterContext) -> None:
        self._source = f"https://w3id.org/harmonize/mappings/{context.profile_id}#{context.profile_version}"
        self._known: dict[str | None, orjson.Fragment] = {}

    def of(self, profile: str | None = None) -> orjson.Fragment:
        """The meta of a resource; *profile* only where our check of it passes."""
        known = self._known.get(profile)
        if known is None:
            body: dict[str, Any] = {"source": self._source}
            if profile is not None:
                body["profile"] = [profile]
            body["security"] = [PSEUDED]
            known = self._known[profile] = kept(body)
        return known

    def head(self, resource_type: str, profile: str | None) -> tuple[bytes, bytes]:
        """The JSON before and behind the id of a resource, by its type and the profile that it claims."""
        return b'{"resourceType":"%b","id":' % resource_type.encode(), b',"meta":%b' % orjson.dumps(self.of(profile))


class RunParts:
    """What is the same for all subjects of a run."""

    def __init__(self, context: WriterContext) -> None:
        self.context = context
        self.concepts = Concepts(context.systems)
        self.identities = Identities()
        self.identifiers = identifiers_of(context, "fhir/")
        self.meta = Meta(context)
        self.heads = Memo(self.meta.head, (None,))
        """Type of resource -> the JSON before and behind its id."""
        self.claiming_heads = MemoOfSeveral(self.meta.head, ())
        """(type of resource, profile that it claims) -> the same."""


class Sheet:
    """Collects the resources of one subject.

    Where a compiler was, what every resource calls is done by the extension `sheet_methods`.
    """

    def __init__(self, run: RunParts, record: HubObject, log: TargetLog) -> None:
        self.run, self.record, self.log = run, record, log
        self.patient_id: str = record["subject_id"]
        self.patient_reference = orjson.dumps({"reference": f"Patient/{self.patient_id}"})
        self.patient = orjson.Fragment(self.patient_reference)
        self.documents: list[Document] = []
        self.conditions: dict[str, list[tuple[HubObject, str]]] = {}
        self.conditions_by_role: dict[str, list[str]] = {}
        self.specimens: dict[str, str] = {}
        """Identifier of a sample -> id of its Specimen."""
        self._twins: dict[str, int] = {}
        """Id -> how many resources it would be the id of."""
        self._under_way = ("Patient", self.patient_id)
        self._made_of: Any = None
        self._content: str | None = None
        """What the last id was made of, and its text."""

    def new_id(self, kind: str, made_of: Any) -> str:
        """A deterministic id from the subject and what *made_of* says, never from a position; twins are numbered.

        The resource is under way from now on: paths that the other methods take are those inside of it.
        """
        if (
            self._content is None or made_of is not self._made_of
        ):  # several resources are made of one object, one after the other
            self._made_of, self._content = made_of, f"{self.patient_id}|{self.run.identities.of(made_of)}"
        identifier = self.run.identifiers[kind]
        made = identifier(self._content)
        twins = self._twins.get(made, 0)
        self._twins[made] = twins + 1
        if twins:
            made = identifier(f"{self._content}|{twins}")
        self._under_way = (kind, made)
        return made

    def under_way(self, kind: str, resource_id: str) -> None:
        """Go on with a resource whose id was made before."""
        self._under_way = (kind, resource_id)

    def path(self, inside: str = "") -> str:
        """The JSON Pointer of what is *inside* the resource under way; it is made only where a loss is said."""
        kind, resource_id = self._under_way
        return f"/{kind.partition('/')[0]}/{resource_id}{inside}"

    def lost(
        self, hub_object: HubObject, slot: str, inside: str, message: str, outcome: Outcome = Outcome.DROPPED
    ) -> None:
        """Say that *slot* of *hub_object* is not in the resource under way, or is there with less than it held."""
        self.log.unsupported(hub_object, slot, self.path(inside), message, outcome)

    def conditions_with(self, coded: Mapping[str, Any]) -> list[tuple[HubObject, str]]:
        """(disease, id) of the Conditions that share the first code of *coded*."""
        codings = coded.get("codings")
        return self.conditions.get(codings[0]["code"], []) if codings else []

    def add(
        self,
        resource_type: str,
        resource_id: str,
        hub_object: HubObject,
        body: Mapping[str, Any],
        profile: str | None = None,
    ) -> None:
        """Put a resource down. *body* holds its elements without resourceType, id and meta."""
        run = self.run
        before_id, after_id = (
            run.heads[resource_type] if profile is None else run.claiming_heads[resource_type, profile]
        )
        rest = b"," + orjson.dumps(body)[1:] if body else b"}"
        self.documents.append(
            Document(resource_type, resource_id, before_id + orjson.dumps(resource_id) + after_id + rest)
        )
        if self.log.trace is not None:
            self.log.made(f"/{resource_type}/{resource_id}", hub_object)

    def measured(self, measurement: HubObject, categories: Mapping[str, str]) -> str | None:
        """The id of the Observation of a measurement, which is still to be put down; None where that is done.

        Most measurements state a code, a day and a value: the extension writes these as one text.
        """
        return self.new_id("Observation/measurement", measurement)

    def classified(
        self,
        tnm: HubObject,
        parts: tuple[Part, ...],
        evaluation: str | None,
        status: str,
        condition_id: str,
    ) -> list[dict[str, str]] | None:
        """References to what a TNM classification was put down as; None where that is still to be done.

        *parts* are its categories and, as the last one, the stage group, whose Observation refers to theirs.
        Most classifications state these, a version and a day: the extension writes their Observations as text.
        """
        return None

    def beside(self, kind: str, resource_type: str, hub_object: HubObject, body: Mapping[str, Any]) -> str:
        """Put a resource down that another one, which stays under way, refers to. Its id."""
        under_way = self._under_way
        resource_id = self.new_id(kind, hub_object)
        self.add(resource_type, resource_id, hub_object, body)
        self._under_way = under_way
        return resource_id

    def not_made(self, hub_object: HubObject, message: str) -> None:
        """Say that no resource was made of *hub_object*. The place is its type: a reader would look for the id in vain."""
        self.log.unsupported(hub_object, "*", self.path().rpartition("/")[0], message)

    def concept(self, holder: HubObject, slot: str, inside: str) -> orjson.Fragment | None:
        """The CodeableConcept of a coded slot; None where it is absent or, with a loss, cannot be written."""
        coded = holder.get(slot)
        return None if coded is None else self.concept_of(holder, slot, coded, inside)

    def concept_of(self, holder: HubObject, slot: str, coded: Mapping[str, Any], inside: str) -> orjson.Fragment | None:
        """The CodeableConcept of *coded*, a value of *slot*."""
        rendered = self.run.concepts.render(coded)
        if rendered.concept is None:
            self.lost(holder, slot, inside, "its codes belong to no code system that FHIR names")
        elif rendered.loses:
            self.lost(holder, slot, inside, "a code or qualifier has no place in a CodeableConcept", Outcome.COARSENED)
        return rendered.concept

    def concepts(self, holder: HubObject, slot: str, inside: str) -> list[orjson.Fragment]:
        """The CodeableConcepts of a slot of several coded values, without those that cannot be written."""
        made = (self.concept_of(holder, slot, coded, inside) for coded in holder.get(slot, ()))
        return [concept for concept in made if concept is not None]

    def date(self, holder: HubObject, slot: str, inside: str) -> str | None:
        """A FHIR date or dateTime: year, year-month or day, as the source knows it."""
        value = holder.get(slot)
        if value is None:
            return None
        if value.get("estimated"):
            self.lost(holder, slot, inside, "a date does not say that it is an estimate", Outcome.COARSENED)
        return str(value["value"])

    def time(self, holder: HubObject, start: str, end: str, element: str) -> dict[str, str | dict[str, str]]:
        """The choice *element* [x] from a first and a last day: a Period where the last is known, else a dateTime.

        A Period without an end would say that it goes on (FHIR R4, Data Types, Period.end, meaningWhenMissing).
        """
        if end in holder:
            period = self.period(holder, start, end, f"/{element}Period")
            if "end" in period:
                return {f"{element}Period": period}
            day = period.get("start")
        else:
            day = self.date(holder, start, f"/{element}DateTime")
        return {} if day is None else {f"{element}DateTime": day}

    def period(self, holder: HubObject, start: str, end: str, inside: str) -> dict[str, str]:
        """A Period from a first and a last day. An end that is certainly before the start is lost, for `per-1` forbids it (FHIR R4)."""
        first, last = self.date(holder, start, inside), self.date(holder, end, inside)
        if first is not None and last is not None and first[: len(last)] > last[: len(first)]:
            self.lost(holder, end, inside, "a period does not end before it starts (per-1)")
            last = None
        return {name: day for name, day in (("start", first), ("end", last)) if day}

    def age(self, holder: HubObject, slot: str, inside: str) -> dict[str, Any] | None:
        """An Age from an ISO 8601 duration."""
        duration = holder.get(slot)
        if duration is None:
            return None
        made = age(duration)
        if made is None:
            self.lost(holder, slot, inside, "an age needs years, months, weeks or days, of nine digits at most")
            return None
        if made[1]:
            self.lost(
                holder, slot, inside, "an age holds one unit; the days beside months are left out", Outcome.COARSENED
            )
        return made[0]

    def quantity(self, quantity: HubObject, inside: str) -> orjson.Fragment | None:
        """A Quantity with the digits as written; None, with a loss, for a number past all bounds."""
        digits = number(quantity["value"])
        if digits is None:
            self.lost(quantity, "*", inside, "the number is too large for readers of JSON")
            return None
        unit = self.run.concepts.unit(quantity)
        if unit.loss:
            self.lost(quantity, "unit_source", inside, unit.loss)
        comparator = f',"comparator":"{quantity["comparator"]}"' if "comparator" in quantity else ""
        return orjson.Fragment(f'{{"value":{digits}{comparator}{unit.after_value}')

    def bound(self, holder: HubObject, slot: str, quantity: HubObject, inside: str) -> orjson.Fragment | None:
        """A SimpleQuantity in the unit of *quantity*: it has no comparator (FHIR R4, Data Types, sqty-1)."""
        digits = number(holder[slot])
        if digits is None:
            self.lost(holder, slot, inside, "the number is too large for readers of JSON")
            return None
        return orjson.Fragment(f'{{"value":{digits}{self.run.concepts.unit(quantity).after_value}')
