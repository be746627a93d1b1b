"""intl/redcap-rdcdm against what RareLink makes of the same records: every fact of six patients, every difference explained.

Expected are phenopackets (rarelink 2.0.7) and FHIR bundles (RareLink's toFHIR). A fact is a tuple that begins with the
patient's number and the element. Ages of the expected packets are cut to years and months, so ours are cut for the comparison.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harmonize.convert import RunOptions, Settings, convert_files
from tests.registry import ALL_TARGETS, KEY, RECORDED, Run
from tests.shared_data import SHARED

RARELINK = SHARED / "national-formats" / "eu-redcap-rarelink"
EXPORT = RARELINK / "samples" / "evco_redcap_records_1-6.json"
Fact = tuple[Any, ...]
NUMBERS = {KEY.pseudonym("test", "subject", str(number)): number for number in range(1, 7)}


def convert(out: Path, consent: str) -> Run:
    settings = Settings("intl/redcap-rdcdm", ALL_TARGETS, KEY, "test", consent, RECORDED)
    return Run(out, convert_files(settings, RunOptions((EXPORT,), out)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    if not EXPORT.exists():
        pytest.skip(f"needs {EXPORT}, which is not on this machine")
    return convert(tmp_path_factory.mktemp("rarelink") / "out", "record")


def test_who_refuses_is_skipped_and_counted(run: Run, tmp_path: Path) -> None:
    # Record 3 rejected the consent and the reuse of data, record 6 the reuse of data; of record 4 nothing is known.
    strict = convert(tmp_path / "out", "require")
    assert run.counts["subjects"] == {"read": 6, "converted": 6, "rejected": 0, "skipped": 0}
    assert strict.counts["subjects"] == {"read": 6, "converted": 4, "rejected": 0, "skipped": 2}
    assert {NUMBERS[r["subject_id"]] for r in strict.lines("hub/subjects.ndjson")} == {1, 2, 4, 5}


# --- phenopackets ---------------------------------------------------------------------------------------------------


def age(born: str, later: str) -> str:
    """Completed years and months as RareLink writes them."""
    start, end = dt.date.fromisoformat(born[:10]), dt.date.fromisoformat(later[:10])
    months = (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
    return f"P{months // 12}Y{months % 12}M"


def time(element: dict[str, Any], born: str) -> str:
    """A TimeElement as one text, whatever its form is."""
    if "timestamp" in element:
        return age(born, element["timestamp"])
    if "age" in element:
        return str(element["age"]["iso8601duration"])
    return str(element.get("ontologyClass", element.get("ontology_class"))["id"])


def camel(value: Any) -> Any:
    """The expected packets are written in snake_case."""
    if isinstance(value, dict):
        return {
            name.split("_")[0] + "".join(p.capitalize() for p in name.split("_")[1:]): camel(v)
            for name, v in value.items()
        }
    return [camel(item) for item in value] if isinstance(value, list) else value


def packet_facts(number: int, packet: dict[str, Any]) -> Iterator[Fact]:
    """Every fact of a packet, codes without labels."""
    subject = packet["subject"]
    born = subject["dateOfBirth"]
    yield number, "born", born[:10]
    yield number, "last encounter", time(subject["timeAtLastEncounter"], born)
    yield number, "alive", subject["vitalStatus"]["status"]
    yield number, "sex", subject["sex"]
    if "gender" in subject:
        yield number, "gender", subject["gender"]["id"]
    for feature in packet.get("phenotypicFeatures", ()):
        code = feature["type"]["id"]
        yield number, "feature", code, "excluded" if feature.get("excluded") else "observed"
        for name in ("onset", "resolution"):
            if name in feature:
                yield number, f"feature {name}", code, time(feature[name], born)
        if "severity" in feature:
            yield number, "feature severity", code, feature["severity"]["id"]
        for modifier in feature.get("modifiers", ()):
            yield number, "feature modifier", code, modifier["id"]
    for measurement in packet.get("measurements", ()):
        quantity = measurement["value"]["quantity"]
        observed = time(measurement["timeObserved"], born)
        yield number, "measurement", measurement["assay"]["id"], quantity["value"], quantity["unit"]["id"], observed
    for disease in packet.get("diseases", ()):
        yield number, "disease", disease["term"]["id"], "excluded" if disease.get("excluded") else "observed"
        if "onset" in disease:
            yield number, "disease onset", disease["term"]["id"], time(disease["onset"], born)
    for interpretation in packet.get("interpretations", ()):
        disease = interpretation["diagnosis"]["disease"]["id"]
        yield number, "interpretation", disease, interpretation["progressStatus"]
        for genomic in interpretation["diagnosis"]["genomicInterpretations"]:
            variant = genomic["variantInterpretation"]
            descriptor = variant["variationDescriptor"]
            text = descriptor["expressions"][0]["value"]
            yield number, "variant", text, descriptor["expressions"][0]["syntax"], genomic["interpretationStatus"]
            yield number, "variant class", text, variant["acmgPathogenicityClassification"]
            yield (
                number,
                "variant gene",
                text,
                descriptor["geneContext"]["valueId"],
                descriptor["geneContext"]["symbol"],
            )
            yield number, "variant zygosity", text, descriptor["allelicState"]["id"]


OUR_UNITS = {"UCUM:g/L": "UO:0000175", "UCUM:ng/mL": "UO:0000275"}


def in_their_units(fact: Fact) -> Fact:
    """We write units in UCUM where UO has an exact equivalent; the source's own unit stays in the hub."""
    return (*fact[:4], OUR_UNITS.get(fact[4], fact[4]), fact[5]) if fact[1] == "measurement" else fact


def labels(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if {"id", "label"} == value.keys():
            yield value["id"], value["label"]
        for item in value.values():
            yield from labels(item)
    elif isinstance(value, list):
        for item in value:
            yield from labels(item)


MISSED_IN_PACKETS: dict[Fact, str] = {
    (
        4,
        "gender",
        "SNOMEDCT:1220561009",
    ): "the code says not recorded, which is no gender; the profile leaves it out and counts it",
    (
        6,
        "disease onset",
        "MONDO:0007843",
        "P0Y-10M",
    ): "the onset is before birth; no such duration exists. Ours says the date",
}
ONLY_IN_OURS: dict[Fact, str] = {
    (6, "disease onset", "MONDO:0007843", "P-1Y1M"): "the same date, before birth, reported as plausibility.date-order",
}


def test_facts_of_the_expected_phenopackets(run: Run, shared: Callable[[str], Path]) -> None:
    folder = shared("national-formats/eu-redcap-rarelink/expected/phenopackets")
    expected = Counter(
        fact for n in range(1, 7) for fact in packet_facts(n, camel(json.loads((folder / f"{n}.json").read_text())))
    )
    found = Counter(
        in_their_units(fact)
        for packet in run.lines("phenopackets/phenopackets.ndjson")
        for fact in packet_facts(NUMBERS[packet["subject"]["id"]], packet)
    )
    assert dict((expected - found).items()) == dict.fromkeys(MISSED_IN_PACKETS, 1), "facts that we miss"
    assert dict((found - expected).items()) == dict.fromkeys(ONLY_IN_OURS, 1), "facts that we invent"
    print(f"phenopackets: {sum(expected.values())} expected, {sum((expected & found).values())} matched")


OTHER_LABELS = {
    "GENO:0000402": "theirs begins with a capital",
    "GENO:0000458": "GENO calls it simple heterozygous",
    "HP:0001256": "HPO 2026-02-16 has another label than HPO 2025-05-06",
    "HP:0003577": "they add an explanation to the label of HPO",
}
NO_LABEL_MAY_SHIP = ("LOINC:", "SNOMEDCT:")


def test_labels_are_those_of_the_installed_terminologies(run: Run, shared: Callable[[str], Path]) -> None:
    folder = shared("national-formats/eu-redcap-rarelink/expected/phenopackets")
    theirs = dict(pair for n in range(1, 7) for pair in labels(camel(json.loads((folder / f"{n}.json").read_text()))))
    ours = dict(pair for packet in run.lines("phenopackets/phenopackets.ndjson") for pair in labels(packet))
    differing = {code for code in ours.keys() & theirs.keys() if ours[code] != theirs[code]}
    assert {code for code in differing if not code.startswith(NO_LABEL_MAY_SHIP)} == OTHER_LABELS.keys()
    assert all(ours[code] == code for code in differing if code.startswith(NO_LABEL_MAY_SHIP))


# --- FHIR -----------------------------------------------------------------------------------------------------------


def bundles(folder: Path) -> list[dict[str, Any]]:
    """The resources of the expected search sets."""
    found = []
    for path in sorted(folder.glob("*.json")):
        found += [entry["resource"] for entry in json.loads(path.read_text()).get("entry", ())]
    return found


def codes(concept: dict[str, Any] | None) -> list[str]:
    return [
        coding["code"].upper().removeprefix("HP:").removeprefix("MONDO:").removeprefix("HGNC:")
        for coding in (concept or {}).get("coding", ())
    ]


def component(resource: dict[str, Any], code: str) -> list[str]:
    return [
        c
        for item in resource.get("component", ())
        if code in codes(item["code"])
        for c in codes(item.get("valueCodeableConcept"))
    ]


def fhir_facts(resources: list[dict[str, Any]], numbers: dict[str, int]) -> Iterator[Fact]:
    """Facts of patients, phenotypes, laboratory values and variants, whatever the profile is."""
    for r in resources:
        if r["resourceType"] == "Patient":
            yield numbers[r["id"]], "patient", r.get("gender"), r.get("birthDate")
            continue
        holder = r.get("subject", r.get("patient", {})).get("reference", "")
        number = numbers.get(holder.partition("/")[2])
        if r["resourceType"] != "Observation" or number is None:
            continue
        code = codes(r["code"])
        if "valueQuantity" in r:
            quantity = r["valueQuantity"]
            yield number, "measurement", code[0], float(quantity["value"]), r.get("effectiveDateTime")
        elif "69548-6" in code:
            text = component(r, "48004-6")[0]
            yield number, "variant", text
            yield from ((number, "variant gene", text, gene) for gene in component(r, "48018-6"))
            yield from ((number, "variant zygosity", text, z) for z in component(r, "53034-5") if z.startswith("LA"))
        elif len(code) == 1 and code[0].isdigit() and len(code[0]) == 7:
            when = r.get("effectiveDateTime") or r.get("effectivePeriod", {}).get("start")
            yield number, "feature", code[0], when


_LATER = "the bundles were made of a later state of record 1, which the export does not hold"
_IDENTITY = "their Patient.gender is the gender identity, which is not recorded; ours falls back on the sex at birth"
MISSED_IN_FHIR: dict[Fact, str] = {
    (1, "feature", "0002553", "2025-04-09"): _LATER,
    (1, "measurement", "36554-4", 1.0, "2021-05-06"): _LATER,
    (1, "measurement", "9279-1", 80.0, "2021-05-06"): _LATER,
    (1, "measurement", "NCIT_C60819", 1.0, "2021-05-06"): _LATER,
    (4, "patient", "unknown", "2010-02-20"): _IDENTITY,
}
_SECOND = "the export holds two variants of record 1; the bundles hold one variant a patient"
ONLY_IN_OUR_FHIR: dict[Fact, str] = {
    (1, "feature", "0002553", None): _LATER,
    (1, "variant", "NM_003482.4:C.16529A>G"): _SECOND,
    (1, "variant gene", "NM_003482.4:C.16529A>G", "7133"): _SECOND,
    (1, "variant zygosity", "NM_003482.4:C.16529A>G", "LA26217-2"): _SECOND,
    (4, "patient", "female", "2010-02-20"): _IDENTITY,
}


def test_facts_of_the_expected_fhir(run: Run, shared: Callable[[str], Path]) -> None:
    theirs = bundles(shared("national-formats/eu-redcap-rarelink/expected/fhir"))
    identifiers = {
        r["id"]: int(r["identifier"][0]["value"].removeprefix("EvCo")) for r in theirs if r["resourceType"] == "Patient"
    }
    ours = [
        json.loads(line)
        for path in sorted((run.folder / "fhir-r4").glob("*.ndjson"))
        for line in path.read_text().splitlines()
    ]
    expected, found = Counter(fhir_facts(theirs, identifiers)), Counter(fhir_facts(ours, NUMBERS))
    assert dict((expected - found).items()) == dict.fromkeys(MISSED_IN_FHIR, 1), "facts that we miss"
    assert dict((found - expected).items()) == dict.fromkeys(ONLY_IN_OUR_FHIR, 1), "facts that we invent"
    print(f"FHIR: {sum(expected.values())} expected, {sum((expected & found).values())} matched")
