"""Cases as data: how a record of the small data set is changed, and the item that is broken then ('' for none)."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.unit.exports.small_records import Record, coded, conforming, date


class Breach(NamedTuple):
    """The conforming record with some slots replaced (None: taken out)."""

    name: str
    item: str
    changes: dict[str, Any]
    level: str = "mandatory"

    def record(self) -> Record:
        record = {**conforming(), **self.changes}
        return {slot: value for slot, value in record.items() if value is not None}


def diagnosis(**more: Any) -> dict[str, Any]:
    return {"diagnoses": [{"disease": coded("ORPHA:558"), "onset_age": "P3Y", **more}]}


def samples(*several: Record) -> dict[str, Any]:
    return {"samples": list(several)}


DEAD = {"status": coded("VITALSTATUS:dead")}
CANCER = diagnosis(morphology=coded("ICDO3:8140/3"))
CONTACT = {"consents": [{"purpose": "contact", "decision": "deny"}]}
FOLLOWED = {"date_of_last_follow_up": date("2024-05")}
BREACHES = [
    Breach("conforming", "", {}),
    Breach("missing", "small:birth", {"birth_date": None}),
    Breach("null flavor", "", {"administrative_gender": {"null_flavor": "ASKU"}}),
    Breach("null flavor refused", "small:disease", diagnosis(disease={"null_flavor": "NI"})),
    Breach("code outside of its set", "small:gender", {"administrative_gender": coded("GENDER:other")}),
    Breach("one code of several in the set", "", diagnosis(disease={"codings": [*coded("HP:0001250")["codings"], *coded("ORPHA:558")["codings"]]})),
    Breach("system outside of its set", "small:disease", diagnosis(disease=coded("HP:0001250"))),
    Breach("text for a code", "small:gender", {"administrative_gender": {"text": "female"}}),
    Breach("no day of the calendar", "small:birth", {"birth_date": date("2021-02-29")}),
    Breach("leap day", "", {"birth_date": date("2020-02-29")}),
    Breach("year nought", "small:birth", {"birth_date": date("0000")}),
    Breach("precision that is not there", "small:birth", {"birth_date": {"value": "1985", "precision": "day"}}),
    Breach("form of a text", "small:id", {"subject_id": "AB-1x"}),
    Breach("class missing", "Diagnosis", {"diagnoses": None}),
    Breach("class empty", "Diagnosis", {"diagnoses": []}),
    Breach("petal in use", "small:follow", CANCER),
    Breach("petal in use, given", "", {**CANCER, **FOLLOWED}),
    Breach("conditional, holds", "small:death", {"vital_status": DEAD}),
    Breach("conditional, given", "", {"vital_status": {**DEAD, "date_of_death": date("2024")}}),
    Breach("given although it must not", "small:death", {"vital_status": {"date_of_death": date("2024")}}),
    Breach("condition of the holder", "small:category", {**diagnosis(tnm_classifications=[{}]), **FOLLOWED}),
    Breach("condition of the holder, not", "", {**diagnosis(tnm_classifications=[{}], role="comorbidity"), **FOLLOWED}),
    Breach("condition of the record", "small:state", {**CANCER, **FOLLOWED, **samples({"origin": "other"})}),
    Breach("condition of the record, not", "", samples({"origin": "other"})),
    Breach("code outside of a set that takes words", "small:state", {**CANCER, **FOLLOWED, **samples({"pathological_state": coded("NCIT:C1")})}),
    Breach("form of a code", "small:topography", diagnosis(topography=coded("ICDO3:8140/3"))),
    Breach("form of a code, kept", "", diagnosis(topography=coded("ICDO3:C50.9"))),
    Breach("form of a code, no code", "", diagnosis(topography={"null_flavor": "UNK"})),
    Breach("words", "", {**CANCER, **FOLLOWED, **samples({"pathological_state": {"text": "fresh"}})}),
    Breach("not what the value is about", "", samples({"collection_date": date("2021-02-29")})),
    Breach("what the value is about", "small:blood-date", samples({"origin": "normal_blood", "collection_date": date("2021-02-29")})),
    Breach("path from the record", "small:place", samples({"type": coded("NCIT:C12434")})),
    Breach("path from the record, given", "", {**samples({"type": coded("NCIT:C12434")}), **diagnosis(topography=coded("ICDO3:C50.9"))}),
    Breach("comes from", "small:parameters", {"sequences": [{"alignment_software": [{"name": "bwa"}]}]}),
    Breach("comes from elsewhere", "", {"sequences": [{"variant_annotation_databases": [{"name": "x"}]}]}),
    Breach("too many", "small:processing", samples({"processing": [{"text": "a"}, {"text": "b"}, {"text": "c"}]})),
    Breach("must not be given where", "small:processing", {"undiagnosed": True, **samples({"processing": [{"text": "a"}]})}),
    Breach("too many objects", "small:kin", samples({"relations": [{}, {}]})),
    Breach("selected from a list", "small:contact", {"consents": [{"purpose": "data_reuse", "decision": "deny"}]}, "recommended"),
    Breach("selected from a list, given", "", CONTACT, "recommended"),
    Breach("neither of the alternatives", "small:onset", {**CONTACT, "diagnoses": [{"disease": coded("ORPHA:558")}]}, "recommended"),
    Breach("the other alternative", "", {**CONTACT, "diagnoses": [{"disease": coded("ORPHA:558"), "onset_date": date("2019")}]}, "recommended"),
]  # fmt: skip

HUB_BREACHES = [
    Breach("unknown slot", "colour", {"colour": "red"}),
    Breach("unknown slot below", "colour", diagnosis(colour={"a": [1]})),
    Breach("required slot", "schema_version", {"schema_version": None}),
    Breach("required slot below", "disease", {"diagnoses": [{}]}),
    Breach("text for an object", "birth_date", {"birth_date": "1985"}),
    Breach("object for a text", "onset_age", diagnosis(onset_age={"a": 1})),
    Breach("list for an object", "birth_date", {"birth_date": [date("1985")]}),
    Breach("object for a list", "diagnoses", {"diagnoses": {"disease": coded("ORPHA:558")}}),
    Breach("number for a text", "onset_age", diagnosis(onset_age=3)),
    Breach("text for a truth value", "undiagnosed", {"undiagnosed": "true"}),
    Breach("null", "value", {"birth_date": {"value": None, "precision": "day"}}),
    Breach("word outside of its list", "role", diagnosis(role="main")),
    Breach("form of a value", "value", {"birth_date": {"value": "85", "precision": "year"}}),
]
