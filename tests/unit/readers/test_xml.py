"""XML sources: messages in pieces and in any order, and what is wrong with real documents."""

from __future__ import annotations

import os
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from harmonize.errors import CallError, InputError
from harmonize.profiles.loading import load_profile
from harmonize.profiles.xml_check import check_xml_assembly
from harmonize.trace import trace
from tests.obds import case_documents, convert, document, message, patient
from tests.properties.effort import examples
from tests.properties.test_accounting import assert_adds_up
from tests.registry import KEY, Run
from tests.shared_data import SHARED

XSD = SHARED / "national-formats" / "de-obds-cancer-registry" / "spec"
P1, P2, P3 = (patient(name, [message(f"m{name}")]) for name in ("P1", "P2", "P3"))


def hub(run: Run) -> list[dict[str, object]]:
    return run.lines("hub/subjects.ndjson")


def pseudonyms(*numbers: str) -> list[str]:
    return sorted(KEY.pseudonym("test", "subject", number) for number in numbers)


def subjects(run: Run) -> list[object]:
    return sorted(str(record["subject_id"]) for record in hub(run))


# --- what replaces what ---------------------------------------------------------------------------------------------

TNM = "<Diagnose><cTNM><Version>8</Version><T>2</T><N>0</N></cTNM></Diagnose>"
OP = "<OP OP_ID='1'><Datum>{}</Datum></OP>"


@pytest.mark.parametrize(
    ("first", "second", "dates"),
    [
        (("1", "SITE", "1"), ("1", "SITE", "1"), ["2022-02-02"]),
        (("1", "SITE", "1"), ("2", "SITE", "1"), ["2021-01-01", "2022-02-02"]),
        (("1", "SITE", "1"), ("1", "OTHER", "1"), ["2021-01-01", "2022-02-02"]),
        (("1", "SITE", ""), ("1", "SITE", ""), ["2021-01-01", "2022-02-02"]),
    ],
    ids=["a correction", "another tumour", "another reporter", "no number"],
)
def test_only_the_number_of_one_tumour_and_reporter_replaces(
    tmp_path: Path, first: tuple[str, str, str], second: tuple[str, str, str], dates: list[str]
) -> None:
    documents: dict[str, str | bytes] = {}
    for number, day, (tumour, reporter, op) in ((1, "2021-01-01", first), (2, "2022-02-02", second)):
        sent = message(f"m{number}", OP.format(day).replace("OP_ID='1'", f"OP_ID='{op}'" if op else ""), tumour=tumour)
        text = document(
            [patient("P1", [sent.replace('Melder_ID="SITE"', f'Melder_ID="{reporter}"')])], f"2024-0{number}-01"
        )
        documents[f"{number}.xml"] = text
    (record,) = hub(convert(tmp_path, documents))
    assert [treatment["start_date"]["value"] for treatment in record["treatments"]] == dates  # type: ignore[index, attr-defined]


def test_messages_of_one_reporter_without_numbers_do_not_replace_one_another(tmp_path: Path) -> None:
    """Meldung_ID is optional in version 2."""
    sent = [
        message(f"m{tumour}", icd=icd, tumour=tumour).replace(f'Meldung_ID="m{tumour}" ', "")
        for tumour, icd in (("1", "C61"), ("2", "C20"))
    ]
    (record,) = hub(convert(tmp_path, {"a.xml": document([patient("P1", sent)])}))
    assert len(record["diagnoses"]) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "slot"),
    [({"icd": "C20"}, "ICD_Code"), ({"birth": "1970-01-01"}, "Geburtsdatum"), ({"sex": "W"}, "Geschlecht")],
)
def test_what_does_not_change_and_does_is_a_warning(tmp_path: Path, changed: dict[str, str], slot: str) -> None:
    older = document([patient("P1", [message("m1")])], "2023-01-01")
    newer = document(
        [
            patient(
                "P1",
                [message("m2", icd=changed.get("icd", "C61"))],
                changed.get("birth", "1950-01-01"),
                changed.get("sex", "M"),
            )
        ]
    )
    run = convert(tmp_path, {"a.xml": older, "b.xml": newer})
    (found,) = [f for f in run.findings() if f["rule"] == "source.superseded" and f["severity"] == "warning"]
    assert slot in found["message"] and found["source"]["file"] == "a.xml"
    assert not any(value in found["message"] for value in ("C61", "C20", "1950", "1970"))


def test_a_newer_sentinel_does_not_lend_its_accuracy_to_an_older_date(tmp_path: Path) -> None:
    older = document([patient("P1", [message("m1")], "1950-05-17")], "2023-01-01")
    newer = document([patient("P1", [message("m2")], "1800-01-01")]).replace(
        '<Geburtsdatum Datumsgenauigkeit="E">', '<Geburtsdatum Datumsgenauigkeit="V">'
    )
    (record,) = hub(convert(tmp_path, {"a.xml": older, "b.xml": newer}))
    assert record["birth_date"] == {"value": "1950-05-17", "precision": "day"}


@pytest.mark.parametrize(
    ("table", "changes", "said"),
    [
        ("operation", {"kind": "op", "apart": (("Datum",),)}, "has no `kind`"),
        ("radiation_course", {"without_parts": ("systemic",)}, "without_parts"),
        ("tumour", {"lead": {"ICD_Vers": "ICD_Code"}}, "ICD_Vers"),
        ("patient", {"constant": ("Geburtstag",)}, "Geburtstag"),
        ("message", {"kind": "message"}, "what"),
    ],
)
def test_words_of_a_profile_that_do_not_fit_are_said(table: str, changes: dict[str, object], said: str) -> None:
    profile = load_profile("de/obds")
    xml = profile.assembly.xml
    assert xml is not None and check_xml_assembly(xml, profile.source, profile.assembly.subject) == []
    spoiled = replace(xml, tables={**xml.tables, table: replace(xml.tables[table], **changes)})  # type: ignore[arg-type]
    (problem, *_) = check_xml_assembly(spoiled, profile.source, profile.assembly.subject)
    assert said in problem and f"assemble.tables.{table}" in problem


# --- order ----------------------------------------------------------------------------------------------------------


def shuffled(text: str, seed: int) -> str:
    """The same document with the messages of every patient in another order."""
    root = etree.fromstring(text.encode())
    for held in root.iter("{*}Menge_Meldung"):
        messages = list(held)
        random.Random(seed).shuffle(messages)
        held[:] = messages
    return etree.tostring(root, encoding="unicode")


@pytest.mark.parametrize("case", ["pieces-and-correction", "modules", "version-2", "two-reporters"])
@examples(6)
@given(seed=st.integers(0, 10_000), renamed=st.booleans())
def test_any_order_of_messages_and_files_gives_equal_records(case: str, seed: int, renamed: bool) -> None:
    documents = case_documents(case)
    names = sorted(documents, reverse=renamed)
    other = {f"{index}.xml": shuffled(documents[name], seed) for index, name in enumerate(names)}
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        expected, run = convert(Path(one), dict(documents)), convert(Path(two), dict(other))
        assert hub(run) == hub(expected) != []
        assert_adds_up(run)


def test_a_document_twice_says_nothing_more(tmp_path: Path) -> None:
    documents = case_documents("modules")
    once = convert(tmp_path / "a", dict(documents))
    twice = convert(tmp_path / "b", {"a.xml": documents["modules.xml"], "b.xml": documents["modules.xml"]})
    assert hub(twice) == hub(once)
    assert not [f for f in twice.findings(info=True) if f["rule"] == "source.superseded"]
    assert_adds_up(twice)


def test_processes_give_the_same_bytes(tmp_path: Path) -> None:
    documents = case_documents("pieces-and-correction")
    one, two = convert(tmp_path / "a", dict(documents)), convert(tmp_path / "b", dict(documents), jobs=2)
    for name in (
        "hub/subjects.ndjson",
        "fhir-r4/Observation.ndjson",
        "private/findings.ndjson",
        "private/lineage.ndjson",
    ):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


# --- corrections ----------------------------------------------------------------------------------------------------


def test_a_correction_replaces_all_that_the_message_held(tmp_path: Path) -> None:
    death = "<Tod><Sterbedatum>2022-01-01</Sterbedatum><Tod_tumorbedingt>J</Tod_tumorbedingt></Tod>"
    documents = {
        "z.xml": document([patient("P1", [message("m", death)])], "2022-02-01"),
        "a.xml": document([patient("P1", [message("m")])], "2022-03-01"),
    }
    run = convert(tmp_path, documents)
    assert "vital_status" not in hub(run)[0]
    (said,) = [f for f in run.findings(info=True) if f["rule"] == "source.superseded"]
    assert (said["source"]["file"], said["severity"], said["outcome"]) == ("z.xml", "info", "dropped")
    assert_adds_up(run)


def test_statements_of_one_day_that_contradict_are_said(tmp_path: Path) -> None:
    run = convert(tmp_path, {"a.xml": document([patient("P1", [message("m1", icd="C61"), message("m2", icd="C20")])])})
    assert {"source.superseded"} == run.rules() - {"privacy.consent-not-stated"}
    assert len(hub(run)[0]["diagnoses"]) == 1  # type: ignore[arg-type]
    assert_adds_up(run)


def test_two_persons_under_one_identifier(tmp_path: Path) -> None:
    both = [patient("P1", [message("a")]), patient("P1", [message("b")], birth="1980-02-02", sex="W")]
    run = convert(tmp_path, {"a.xml": document([*both, P2])})
    record = next(r for r in hub(run) if r["subject_id"] == pseudonyms("P1")[0])
    assert not {"birth_date", "administrative_gender"} & record.keys()
    assert "source.group-conflict" in run.rules()
    assert subjects(run) == pseudonyms("P1", "P2")
    assert_adds_up(run)


def test_a_tumour_without_its_diagnosis_and_a_correction_of_what_never_came(tmp_path: Path) -> None:
    surgery = '<OP OP_ID="o"><Intention>K</Intention><Datum>2021-04-01</Datum></OP>'
    run = convert(tmp_path, {"a.xml": document([patient("P1", [message("correction", surgery)])])})
    record = hub(run)[0]
    assert record["diagnoses"] and record["treatments"]
    assert_adds_up(run)


# --- what is wrong with documents -----------------------------------------------------------------------------------

DEEP = "<x>" * 10_000
BROKEN = {
    # what follows two whole patients: what is said of it
    "an end that is missing": ('<Patient Patient_ID="P3"><Menge_Meldung>', "no well-formed XML"),
    "a bad end": ("</Patient></Menge_Patient>", "no well-formed XML"),
    "nesting": (f'<Patient Patient_ID="P3">{DEEP}', "nested more than 256 deep"),
    "an entity": ('<Patient Patient_ID="P3">&lol;</Patient>', "no well-formed XML"),
    "bytes": ('<Patient Patient_ID="P3">\udce4</Patient>', "not in the encoding"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_stands_before_a_broken_place_arrives(tmp_path: Path, what: str) -> None:
    text, said = BROKEN[what]
    whole = document([P1, P2, text])
    run = convert(tmp_path, {"a.xml": whole.encode("utf-8", "surrogateescape"), "b.xml": document([patient("P4", [])])})
    assert subjects(run) == pseudonyms("P1", "P2", "P4")
    assert run.outcome.partly_read and run.outcome.manifest["status"] == "partial"
    (cut,) = [f for f in run.findings() if f["rule"] == "source.cut-off"]
    assert said in cut["message"] or "entity" in cut["message"]
    assert cut["source"]["file"] == "a.xml" and cut["source"]["row"] >= 4
    assert_adds_up(run)


BOMB = '<!DOCTYPE oBDS [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
REFUSED = {
    "entities": (BOMB + document([P1]), "DOCTYPE"),
    "a DTD elsewhere": ('<!DOCTYPE oBDS SYSTEM "http://example.org/x.dtd">' + document([P1]), "DOCTYPE"),
    "another namespace": (document([P1], namespace="http://example.org/x"), "namespace"),
    "no namespace": ("<oBDS/>", "namespace"),
    "another version": (document([P1], version="4.0.0"), "Schema_Version"),
    "another root": (
        f'<Menge_Patient xmlns="http://www.basisdatensatz.de/oBDS/XML">{P1}</Menge_Patient>',
        "root element",
    ),
    "no XML": ("Patient_ID;Geschlecht\n1;M\n", "no well-formed XML"),
    "nothing": ("", "holds no XML"),
    "another encoding": ('<?xml version="1.0" encoding="x-none"?>' + document([P1]), "encoding"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_documents_that_are_refused_by_name(tmp_path: Path, what: str) -> None:
    text, said = REFUSED[what]
    with pytest.raises(InputError, match=said):
        convert(tmp_path / "alone", {"a.xml": text})
    run = convert(tmp_path / "with", {"a.xml": text, "b.xml": document([P2])})
    assert subjects(run) == pseudonyms("P2")
    (unread,) = [f for f in run.findings() if f["rule"] == "source.unreadable"]
    assert said in unread["message"] and run.outcome.partly_read
    assert_adds_up(run)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-15"])
def test_encodings_that_are_declared(tmp_path: Path, encoding: str) -> None:
    declared = "" if encoding == "utf-8-sig" else f'<?xml version="1.0" encoding="{encoding}"?>'
    run = convert(tmp_path, {"a.xml": (declared + document([patient("Pä", [message("m")])])).encode(encoding)})
    assert subjects(run) == pseudonyms("Pä")


def test_elements_that_the_profile_does_not_know_are_said_once(tmp_path: Path) -> None:
    run = convert(tmp_path, {"a.xml": document([patient("P1", [message("a", "<Neu><Wert>geheim</Wert></Neu>")]), P2])})
    (said,) = [f for f in run.findings() if f["rule"] == "source.unknown-column"]
    assert said["source"] == {"file": "a.xml", "row": 3, "column": "Menge_Meldung/Meldung/Neu/Wert"}
    assert "geheim" not in (run.folder / "private" / "findings.ndjson").read_text()
    assert_adds_up(run)


def test_an_element_that_is_there_twice(tmp_path: Path) -> None:
    run = convert(
        tmp_path,
        {
            "a.xml": document(
                [patient("P1", [message("a").replace("<Code>C61</Code>", "<Code>C61</Code><Code>C20</Code>")])]
            )
        },
    )
    assert "source.duplicate-value" in run.rules()
    assert_adds_up(run)


def test_a_subject_without_an_identifier_is_rejected_and_the_others_arrive(tmp_path: Path) -> None:
    run = convert(tmp_path, {"a.xml": document([patient(" ", [message("a")]), P2])})
    assert subjects(run) == pseudonyms("P2")
    assert run.counts["subjects"]["rejected"] == 1 and "source.no-subject-id" in run.rules()
    assert_adds_up(run)


def test_all_in_one_line(tmp_path: Path) -> None:
    """Rows are told apart where a document has no line breaks."""
    text = case_documents("modules")["modules.xml"]
    flat = etree.tostring(etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True)), encoding="unicode")
    one, two = convert(tmp_path / "a", {"a.xml": text}), convert(tmp_path / "b", {"a.xml": flat})
    assert "\n" not in flat and hub(one) == hub(two)
    assert_adds_up(two)


def test_the_xsd_judges_and_costs_nothing(tmp_path: Path) -> None:
    if not XSD.is_dir():
        pytest.skip(f"needs {XSD}, which is not on this machine")
    text = case_documents("modules")["modules.xml"]
    masked = text.replace("<Ersatzkode>970000099</Ersatzkode>", "<Ersatzkode>masked</Ersatzkode>")
    good, bad = (
        convert(tmp_path / "a", {"a.xml": text}, schemas=(XSD,)),
        convert(tmp_path / "b", {"a.xml": masked}, schemas=(XSD,)),
    )
    assert hub(good) == hub(bad) and "source.schema" not in good.rules()
    (breach,) = [f for f in bad.findings() if f["rule"] == "source.schema"]
    assert breach["source"]["column"].endswith("Versichertendaten_Sonstige/Ersatzkode") and "masked" not in str(breach)
    unjudged = convert(tmp_path / "c", {"a.xml": masked})
    assert "source.schema-not-checked" in {f["rule"] for f in unjudged.findings(info=True)}


def test_what_stands_beside_the_subjects_is_counted_with_what_is_theirs(tmp_path: Path) -> None:
    """Meldedatum of the document is in every subject's row too; subjects that are withheld take theirs with them."""
    withheld = [patient(name, [message(f"m{name}", reason="W")]) for name in ("P4", "P5", "P6")]
    run = convert(tmp_path, {"a.xml": document([P1, *withheld])})
    assert_adds_up(run)
    counted = run.counts["values"]["fhir-r4"]["a.xml//Meldedatum"]
    assert (counted["read"], counted["skipped"], counted["dropped"]) == (5, 3, 2)


def test_a_merged_value_is_traced_to_the_element_that_states_it(tmp_path: Path) -> None:
    older = document([patient("P1", [message("m1", icd="C61")])], date="2024-01-01")
    newer = document([P2, patient("P1", [message("m2", icd="C50.4")])], date="2024-02-01")
    run = convert(tmp_path, {"a.xml": older, "b.xml": newer})
    subject = KEY.pseudonym("test", "subject", "P1")
    found = {
        (origin.path, origin.file, origin.row, origin.column, origin.value)
        for origin in trace(run.folder, subject, "/diagnoses/0/disease", [tmp_path / "in"])
    }
    code, edition = (f"Menge_Meldung/Meldung/Tumorzuordnung/Primaertumor_ICD/{name}" for name in ("Code", "Version"))
    line = next(number for number, text in enumerate(newer.splitlines(), 1) if "m2" in text)
    assert ("/diagnoses/0/disease", "b.xml", line, code, "C50.4") in found
    assert {(column, value) for _, _, _, column, value in found} == {(code, "C50.4"), (edition, "10 2021 GM")}
    everything = trace(run.folder, subject, None, [tmp_path / "in"])
    assert {"/birth_date", "/administrative_gender", "/subject_id"} <= {origin.path for origin in everything}
    assert all("map.yaml:0)" not in origin.rule for origin in everything)


def test_xml_is_traced_in_the_documents_of_the_run(tmp_path: Path) -> None:
    run = convert(tmp_path, {"a.xml": document([P1])})
    subject = KEY.pseudonym("test", "subject", "P1")
    with pytest.raises(CallError, match="--input"):
        trace(run.folder, subject, None, [])
    (tmp_path / "other.xml").write_text("\n\n\n" + document([P2]))
    with pytest.raises(CallError, match="does not hold the elements of this subject"):
        trace(run.folder, subject, None, [tmp_path / "other.xml"])


@pytest.mark.parametrize("name", ["tnm", "morphology", "histologies"])
def test_an_element_that_is_called_like_what_holds_objects_is_an_unknown_one(tmp_path: Path, name: str) -> None:
    run = convert(tmp_path, {"a.xml": document([patient("P1", [message("1", f"<{name}>x</{name}>{TNM}")]), P2])})
    assert subjects(run) == pseudonyms("P1", "P2")
    said = [f["source"]["column"] for f in run.findings() if f["rule"] == "source.unknown-column"]
    assert said == [f"Menge_Meldung/Meldung/{name}"]
    assert "internal.error" not in run.rules()


def test_document_whose_name_is_no_text_is_refused_alone(tmp_path: Path) -> None:
    unreadable = os.fsdecode(b"\xe4.xml")
    run = convert(tmp_path / "two", {"a.xml": document([P1]), unreadable: document([P2])})
    (said,) = (finding for finding in run.findings() if finding["rule"] == "source.unreadable")
    assert said["source"]["file"] == "\ufffd.xml" and said["fix"] == "rename it"
    assert subjects(run) == pseudonyms("P1")
    with pytest.raises(InputError, match="rename it"):
        convert(tmp_path / "one", {unreadable: document([P2])})
