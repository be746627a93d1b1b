"""Elements that most records consist of, put together from texts that are kept: no object is made, and nothing needs a word.

The methods give all elements as one text, with commas between them. Where an item is of any other kind, or they are wanted *apart*,
they give a list: each element as a text, and None for such an item, which goes the long way. Where a compiler was there,
`element_texts.pyx` does the same, in UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import orjson

from harmonize.extensions import extension
from harmonize.hub.objects import HubObject, evaluation_of

CACHE_LIMIT = 100_000
CATEGORIES = ("primary_tumor", "lymph_node_status", "metastases")
"""The slots of a TNM classification that are findings of their own."""
SEX = {"F": "FEMALE", "M": "MALE", "OTH": "OTHER_SEX", "female": "FEMALE", "male": "MALE", "other": "OTHER_SEX"}
CODES_OF_SEX = frozenset([*SEX, "UNK", "ASKU", "unknown"])  # UNKNOWN_SEX is the default and is not written
SEX_BY_SYSTEM = {
    system: {f"{system}:{code}": SEX.get(code, "") for code in CODES_OF_SEX} for system in ("BIRTHSEX", "GENDER")
}
"""System -> code -> the sex that is written, an empty text for the default."""
OF_DISEASES = frozenset(
    {
        *("disease", "onset_date", "end_date", "topography", "laterality", "body_site"),
        *("tnm_classifications", "haematological_stagings"),
        # a Disease has no element for these, or they stand with the tissue of the tumour
        *("role", "date_of_diagnosis", "age_at_diagnosis", "stage_at_diagnosis", "clinical_status", "severity"),
        *("morphology", "gradings"),
    }
)
"""The slots of a diagnosis that a common disease is made of, or that are dropped without a word."""
_OF_TREATMENTS = frozenset(
    {
        *("intention_to_treat", "response_to_treatment"),
        # dropped without a word
        *("subtype", "setting", "line", "pre_treated", "intended_duration", "surgical_resection_quality"),
        *("radiation_type", "quantity", "days_supply", "dose_interval"),
    }
)
OF_AGENTS = _OF_TREATMENTS | {"agents"}
"""The slots of a treatment that is written as its one agent. Its dates need a word, unless they are dropped by declaration."""
OF_OPERATIONS = _OF_TREATMENTS | {"type", "procedure", "sites", "start_date", "end_date"}
"""The slots of a treatment that is written as a procedure."""

Prefixes = set[str]
Text = str | bytes
Made = Text | list[Text | None]
Maker = Callable[[Sequence[HubObject], Prefixes, bool], Made]
_KnownTerm = tuple[str, str, Mapping[str, Any]]


class Common:
    """The values of most records as JSON, by the identity of the shared hub value or by its text.

    What is here loses nothing and needs no word, so that an object made of such values alone is put together from texts. What
    is not here goes the long way, on which it is learnt. The hub values are held, so that their ids stay their own.
    """

    def __init__(self) -> None:
        self.terms: dict[int, _KnownTerm] = {}
        """id of a coded value -> OntologyClass, prefix."""
        self.units: dict[str, str] = {}
        """UCUM code -> OntologyClass."""
        self.numbers: dict[str, str] = {}
        """Digits -> the member with a number that is exactly the double; nothing for 0, which proto3 leaves out."""

    def learn(self, known: dict[Any, Any], key: Any, value: Any) -> None:
        """Keep *value*, and not too many of its kind."""
        if len(known) >= CACHE_LIMIT:
            known.clear()
        known[key] = value

    def learn_term(self, coded: Mapping[str, Any], code: str, label: str, prefix: str) -> None:
        """Keep a term that loses nothing."""
        text = orjson.dumps({"id": code, "label": label}).decode()
        self.learn(self.terms, id(coded), (text, prefix, coded))

    def learn_unit(self, ucum: str) -> None:
        """Keep a unit."""
        self.learn(self.units, ucum, orjson.dumps({"id": f"UCUM:{ucum}", "label": ucum}).decode())

    def learn_number(self, digits: str, number: float) -> None:
        """Keep a number that is what *digits* say."""
        self.learn(self.numbers, digits, f',"value":{orjson.dumps(number).decode()}' if number else "")


class CommonElements(Protocol):
    """What makes them. *prefixes* takes those of the codes that are written."""

    def subject(self, record: HubObject, prefixes: Prefixes) -> Text | None:
        """The Individual: known days of birth and last encounter, sex and gender; None where more is to be written or said."""
        ...

    def measurements(self, items: Sequence[HubObject], prefixes: Prefixes, apart: bool) -> Made:
        """Measurements of an assay, with a number in UCUM or a code, of a known day or without a date."""
        ...

    def diseases(self, items: Sequence[HubObject], prefixes: Prefixes, apart: bool) -> Made:
        """Diseases with the known days of onset and end, sites, stages and findings of TNM, as far as they are stated."""
        ...

    def procedures(self, items: Sequence[HubObject], prefixes: Prefixes, apart: bool) -> Made:
        """Procedures of a known day, or from one to another, of which nothing else is said."""
        ...

    def treatments(self, items: Sequence[HubObject], prefixes: Prefixes, apart: bool) -> Made:
        """Treatments of one agent, or that are one procedure, with intent and response."""
        ...

    def tissue(self, diagnosis: HubObject, subject_id: str, seen: set[str], prefixes: Prefixes) -> Text | None:
        """The Biosample of the tissue of a tumour (`oncology`), an empty text where a diagnosis states no finding of a pathologist.

        None where more is to be written or said, and where the id of the tissue was *seen*.
        """
        ...


def common_elements(
    common: Common, tissue_id: Callable[[str, HubObject], str], of_agents: frozenset[str]
) -> CommonElements:
    """The compiled extension, or what is in this file.

    *tissue_id* gives the id of the tissue of a diagnosis of a subject, *of_agents* are the slots of a treatment of agents of which
    nothing is to be said.
    """
    compiled = extension("harmonize.writers.phenopackets.element_texts")
    if compiled is None:
        return _InPython(common, tissue_id, of_agents)
    made: CommonElements = compiled.ElementTexts(common.terms, common.units, common.numbers, tissue_id, of_agents)
    return made


class _NothingCommon:
    def subject(self, record: HubObject, prefixes: Prefixes) -> None:
        return None

    def tissue(self, diagnosis: HubObject, subject_id: str, seen: set[str], prefixes: Prefixes) -> None:
        return None

    def measurements(self, items: Sequence[HubObject], prefixes: Prefixes, apart: bool) -> Made:
        return [None for _ in items]

    diseases = procedures = treatments = measurements


NOTHING_COMMON: CommonElements = _NothingCommon()
"""For what is to be made slot by slot: everything goes the long way."""


def _all(texts: Iterable[str | None], *, apart: bool) -> Made:
    made = list(texts)
    stated = [text for text in made if text is not None]
    return [*made] if apart or len(stated) < len(made) else ",".join(stated)


class _InPython:
    """`CommonElements` without a compiler."""

    def __init__(self, common: Common, tissue_id: Callable[[str, HubObject], str], of_agents: frozenset[str]) -> None:
        self._terms, self._units, self._numbers = common.terms, common.units, common.numbers
        self._tissue_id, self._of_agents = tissue_id, of_agents

    def measurements(self, items: Sequence[HubObject], prefixes: Prefixes, apart: bool) -> Made:
        return _all((self._measurement(item, prefixes) for item in items), apart=apart)

    def diseases(self, items: Sequence[HubObject], prefixes: Prefixes, apart: bool) -> Made:
        return _all((self._disease(item, prefixes) for item in items), apart=apart)

    def procedures(self, items: Sequence[HubObject], prefixes: Prefixes, apart: bool) -> Made:
        return _all((self._procedure(item, prefixes) for item in items), apart=apart)

    def treatments(self, items: Sequence[HubObject], prefixes: Prefixes, apart: bool) -> Made:
        return _all((self._treatment(item, prefixes) for item in items), apart=apart)

    def subject(self, record: HubObject, prefixes: Prefixes) -> str | None:
        if "vital_status" in record or "karyotypic_sex" in record:
            return None
        try:
            birth, last = _stated_day(record, "birth_date"), _stated_day(record, "date_of_last_follow_up")
            born, administrative = (
                _sex(record, "sex_at_birth", "BIRTHSEX"),
                _sex(record, "administrative_gender", "GENDER"),
            )
            gender = self._stated(record, "gender_identity")
        except KeyError:
            return None
        sex = administrative if born is None else born
        if administrative is not None and administrative != sex:
            return None
        parts = [f'"id":{_quoted(record["subject_id"])}']
        if birth is not None:
            parts.append(f'"dateOfBirth":"{birth}T00:00:00Z"')
        if last is not None:
            parts.append(f'"timeAtLastEncounter":{_time(last)}')
        if sex:
            parts.append(f'"sex":"{sex}"')
        if gender is not None:
            parts.append(f'"gender":{_class(gender, prefixes)}')
        return f"{{{','.join(parts)}}}"

    def _measurement(self, measurement: HubObject, prefixes: Prefixes) -> str | None:
        size = len(measurement)
        if size != 2 and size != 3:
            return None
        try:
            assay = self._terms[id(measurement["assay"])]
            day = None if size == 2 else _known_day(measurement["date"])
            quantity = measurement.get("value")
            code = self._terms[id(measurement["coded_value"])] if quantity is None else None
            unit, number = (
                ("", "") if quantity is None else (self._units[quantity["unit"]], self._numbers[quantity["value"]])
            )
        except KeyError:
            return None
        if (size == 3 and day is None) or (quantity is not None and "comparator" in quantity):
            return None
        prefixes.add(assay[1])
        prefixes.add("UCUM" if code is None else code[1])
        value = f'{{"quantity":{{"unit":{unit}{number}}}}}' if code is None else f'{{"ontologyClass":{code[0]}}}'
        time = "" if day is None else f',"timeObserved":{_time(day)}'
        return f'{{"assay":{assay[0]},"value":{value}{time}}}'

    def _disease(self, diagnosis: HubObject, prefixes: Prefixes) -> str | None:
        if not diagnosis.keys() <= OF_DISEASES or ("topography" in diagnosis and "body_site" in diagnosis):
            return None
        try:
            term = self._terms[id(diagnosis["disease"])]
            times = [
                (name, _stated_day(diagnosis, slot))
                for name, slot in (("onset", "onset_date"), ("resolution", "end_date"))
            ]
            stages, findings = self._findings_of_disease(diagnosis)
            sites = [
                (name, self._stated(diagnosis, slot))
                for name, slot in (
                    ("primarySite", "topography"),
                    ("laterality", "laterality"),
                    ("primarySite", "body_site"),
                )
            ]
        except KeyError:
            return None
        parts = [f'"term":{_class(term, prefixes)}']
        parts += [f'"{name}":{_time(day)}' for name, day in times if day is not None]
        parts += [
            f'"{name}":{_classes(terms, prefixes)}'
            for name, terms in (("diseaseStage", stages), ("clinicalTnmFinding", findings))
            if terms
        ]
        parts += [f'"{name}":{_class(site, prefixes)}' for name, site in sites if site is not None]
        return f"{{{','.join(parts)}}}"

    def _findings_of_disease(self, diagnosis: HubObject) -> tuple[list[_KnownTerm], list[_KnownTerm]]:
        """Stages and findings of TNM of a Disease; KeyError where one is not known, or may be that of a sample."""
        stages: list[_KnownTerm] = []
        findings: list[_KnownTerm] = []
        for tnm in diagnosis.get("tnm_classifications", ()):
            if "sample_id" in tnm:
                raise KeyError
            stages += self._each_stated(tnm, ("stage",))
            if evaluation_of(tnm) != "pathological":
                findings += self._each_stated(tnm, CATEGORIES)
        for staging in diagnosis.get("haematological_stagings", ()):
            stages += self._each_stated(staging, ("stage",))
        return stages, findings

    def tissue(self, diagnosis: HubObject, subject_id: str, seen: set[str], prefixes: Prefixes) -> str | None:
        if "certainty" in diagnosis or "excluded" in diagnosis:
            return None
        try:
            findings = [
                term
                for tnm in diagnosis.get("tnm_classifications", ())
                if evaluation_of(tnm) == "pathological" and "sample_id" not in tnm
                for term in self._each_stated(tnm, CATEGORIES)
            ]
            grades = [
                term for grading in diagnosis.get("gradings", ()) for term in self._each_stated(grading, ("grade",))
            ]
            if not findings and not grades:
                return ""
            morphology = self._stated(diagnosis, "morphology")
        except KeyError:
            return None
        if any(grade is not grades[0] for grade in grades):
            return None
        tissue_id = self._tissue_id(subject_id, diagnosis)
        if tissue_id in seen:
            return None
        seen.add(tissue_id)
        parts = [f'"id":{_quoted(tissue_id)},"individualId":{_quoted(subject_id)}']
        if morphology is not None:
            parts.append(f'"histologicalDiagnosis":{_class(morphology, prefixes)}')
        if grades:
            parts.append(f'"tumorGrade":{_class(grades[0], prefixes)}')
        if findings:
            parts.append(f'"pathologicalTnmFinding":{_classes(findings, prefixes)}')
        return f"{{{','.join(parts)}}}"

    def _procedure(self, procedure: HubObject, prefixes: Prefixes) -> str | None:
        size = len(procedure)
        if size != 2 and size != 3:
            return None
        try:
            code = self._terms[id(procedure["code"])]
            start = _known_day(procedure["date"])
            end = None if size == 2 else _known_day(procedure["end_date"])
        except KeyError:
            return None
        if start is None or (size == 3 and end is None):
            return None
        return f'{{"procedure":{{"code":{_class(code, prefixes)},"performed":{_performed(start, end)}}}}}'

    def _treatment(self, treatment: HubObject, prefixes: Prefixes) -> str | None:
        slots = (("treatmentIntent", "intention_to_treat"), ("responseToTreatment", "response_to_treatment"))
        try:
            about = [(name, self._stated(treatment, slot)) for name, slot in slots]
            form = self._agent(treatment, prefixes) if "agents" in treatment else self._operation(treatment, prefixes)
        except KeyError:
            return None
        if form is None:
            return None
        said = "".join(f',"{name}":{_class(term, prefixes)}' for name, term in about if term is not None)
        return f"{{{form}{said}}}"

    def _agent(self, treatment: HubObject, prefixes: Prefixes) -> str | None:
        agents = treatment["agents"]
        if len(agents) != 1 or not treatment.keys() <= self._of_agents:
            return None
        return f'"treatment":{{"agent":{_class(self._terms[id(agents[0])], prefixes)}}}'

    def _operation(self, treatment: HubObject, prefixes: Prefixes) -> str | None:
        """What is written as one procedure: no more than one site, and one of what it is and its kind."""
        sites = treatment.get("sites", ())
        if (
            len(sites) > 1
            or not treatment.keys() <= OF_OPERATIONS
            or ("procedure" in treatment and "type" in treatment)
        ):
            return None
        code = self._terms[id(treatment["type" if "type" in treatment else "procedure"])]
        site = self._terms[id(sites[0])] if sites else None
        start, end = _stated_day(treatment, "start_date"), _stated_day(treatment, "end_date")
        if start is None and end is not None:
            return None
        where = "" if site is None else f',"bodySite":{_class(site, prefixes)}'
        performed = "" if start is None else f',"performed":{_performed(start, end)}'
        return f'"procedure":{{"code":{_class(code, prefixes)}{where}{performed}}}'

    def _stated(self, holder: HubObject, slot: str) -> _KnownTerm | None:
        """The term of a coded slot, None for nothing; KeyError where it is not known."""
        coded = holder.get(slot)
        return None if coded is None else self._terms[id(coded)]

    def _each_stated(self, holder: HubObject, slots: Sequence[str]) -> list[_KnownTerm]:
        return [term for slot in slots if (term := self._stated(holder, slot)) is not None]


def _class(term: _KnownTerm, prefixes: Prefixes) -> str:
    """The OntologyClass of a term that is written."""
    prefixes.add(term[1])
    return term[0]


def _classes(terms: Sequence[_KnownTerm], prefixes: Prefixes) -> str:
    return f"[{','.join(_class(term, prefixes) for term in terms)}]"


def _known_day(date: Mapping[str, Any]) -> Any:
    """The text of a date of which the day is known, and which is no estimate. It is made anew: days are too many to be kept near."""
    return date["value"] if len(date) == 2 and date["precision"] == "day" else None


def _stated_day(holder: HubObject, slot: str) -> str | None:
    """The known day of a slot, None for nothing; KeyError where less is known."""
    date = holder.get(slot)
    day: str | None = None if date is None else _known_day(date)
    if date is not None and day is None:
        raise KeyError
    return day


def _sex(record: HubObject, slot: str, system: str) -> str | None:
    """The sex of a coded slot, None for nothing; KeyError where it is not translated to *system*, as far as we know its codes."""
    coded = record.get(slot)
    if coded is None:
        return None
    codes = [coding["code"] for coding in coded.get("codings", ()) if coding["system"] == system]
    return SEX_BY_SYSTEM[system][codes[0] if codes else ""]


def _time(day: str) -> str:
    return f'{{"timestamp":"{day}T00:00:00Z"}}'


def _performed(start: str, end: str | None) -> str:
    if end is None:
        return _time(start)
    return f'{{"interval":{{"start":"{start}T00:00:00Z","end":"{end}T00:00:00Z"}}}}'


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
