"""Importers of code systems: small files written to the published formats, and the real ones of ../shared with their known counts."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harmonize.errors import CallError, InputError, SpecificationError, UnknownNameError
from harmonize.terminology.add import Order, add_code_system, compile_file
from harmonize.terminology.answers import Found, NotChecked, Obsolete, Replaced, Unknown
from harmonize.terminology.code_maps import load_code_maps
from harmonize.terminology.predicates import BROAD, RELATED
from harmonize.terminology.store import CodeSystemStore, Terminologies, user_folder

CLAML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ClaML SYSTEM "ClaML.dtd">
<ClaML version="2.0.0"><Meta name="lang" value="de"/><Title name="ICD-10-GM" version="2099">Probe</Title>
<UsageKinds><UsageKind name="aster" mark="*"/><UsageKind name="dagger" mark="+"/></UsageKinds>
<Class code="I" kind="chapter"><SubClass code="A00-A09"/><Rubric kind="preferred"><Label xml:lang="de">Kapitel</Label></Rubric></Class>
<Class code="A00-A09" kind="block"><SuperClass code="I"/><Rubric kind="preferred"><Label xml:lang="de">Gruppe</Label></Rubric></Class>
<Class code="A00" kind="category" usage="dagger"><SuperClass code="A00-A09"/>
 <Rubric kind="preferred"><Label xml:lang="de">Probe<Reference class="in brackets">B95</Reference></Label></Rubric>
 <Rubric kind="inclusion"><Label xml:lang="de"><Fragment type="list">Probe</Fragment><Fragment type="list">akut</Fragment></Label></Rubric>
 <Rubric kind="exclusion"><Label xml:lang="de">Anderes</Label></Rubric></Class>
<Class code="A00.0" kind="category"><SuperClass code="A00"/><Rubric kind="preferred"><Label xml:lang="de">Kurz</Label></Rubric>
 <Rubric kind="preferredLong"><Label xml:lang="de">Probe, kurz &amp; gut</Label></Rubric></Class>
</ClaML>
"""
CODE_SYSTEM: dict[str, Any] = {
    "resourceType": "CodeSystem", "url": "http://fhir.de/CodeSystem/bfarm/icd-10-gm", "version": "2099", "title": "Probe", "content": "complete",
    "hierarchyMeaning": "is-a",
    "concept": [
        {"code": "A00", "display": "Eins", "designation": [{"language": "en", "value": "One"}], "concept": [{"code": "A00.0", "display": "Zwei"}]},
        {"code": "A01", "display": "Drei", "property": [{"code": "inactive", "valueBoolean": True}, {"code": "parent", "valueCode": "A00"}]},
    ],
}  # fmt: skip
OBO = """format-version: 1.4
data-version: x/releases/2099-01-01/x.obo
ontology: x
import: http://127.0.0.1:1/never.obo

[Term]
id: X:1
name: root \\{a\\}
alt_id: X:9
synonym: "the \\"root\\"" EXACT [X:0]
xref: UMLS:C1 {source="y"}

[Term]
id: X:2
name: leaf
is_a: X:1 {x="y"} ! root

[Term]
id: X:3
name: obsolete leaf
is_obsolete: true
replaced_by: X:2

[Term]
id: BFO:1
name: of another ontology

[Typedef]
id: part_of
name: part of
"""
GRAPHS = {
    "graphs": [{
        "id": "http://purl.obolibrary.org/obo/x.json", "meta": {"version": "http://purl.obolibrary.org/obo/x/releases/2099-01-01/x.json"},
        "nodes": [
            {"id": "http://purl.obolibrary.org/obo/X_1", "lbl": "root", "type": "CLASS",
             "meta": {"synonyms": [{"pred": "hasExactSynonym", "val": "the root"}], "xrefs": [{"val": "UMLS:C1"}]}},
            {"id": "http://purl.obolibrary.org/obo/X_2", "lbl": "leaf", "type": "CLASS"},
            {"id": "http://purl.obolibrary.org/obo/X_3", "lbl": "obsolete leaf", "type": "CLASS", "meta": {"deprecated": True,
             "basicPropertyValues": [{"pred": "http://purl.obolibrary.org/obo/IAO_0100001", "val": "http://purl.obolibrary.org/obo/X_2"}]}},
            {"id": "http://purl.obolibrary.org/obo/BFO_1", "lbl": "other", "type": "CLASS"},
        ],
        "edges": [{"sub": "http://purl.obolibrary.org/obo/X_2", "pred": "is_a", "obj": "http://purl.obolibrary.org/obo/X_1"}],
    }],
}  # fmt: skip
LOINC = 'LOINC_NUM,COMPONENT,STATUS,SHORTNAME,LONG_COMMON_NAME\n"8480-6","x","ACTIVE","BP sys","Systolic, blood pressure"\n"1-8","x","DEPRECATED","","Old"\n'
CONCEPT = (
    "concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code\tvalid_start_date\tvalid_end_date\tinvalid_reason\n"
    '1\tAll "x"\tc\tSNOMED\tc\tS\t100001001\t19700101\t20991231\t\n2\tPart\tc\tSNOMED\tc\tS\t100002008\t19700101\t20991231\t\n'
    "3\tOld\tc\tSNOMED\tc\t\t100003003\t19700101\t20991231\tD\n4\tOther\tc\tICD10\tc\t\tA00\t19700101\t20991231\t\n"
)
ANCESTOR = "ancestor_concept_id\tdescendant_concept_id\tmin_levels_of_separation\tmax_levels_of_separation\n1\t1\t0\t0\n1\t2\t1\t1\n4\t2\t1\t1\n"


def rf2(folder: Path) -> Path:
    """Two active concepts and an inactive one."""
    at = folder / "Snapshot" / "Terminology"
    at.mkdir(parents=True)
    head = "id\teffectiveTime\tactive\tmoduleId\t"
    files = {
        "sct2_Concept_Snapshot_INT_20990101.txt": ["definitionStatusId", *(f"{c}\t20990101\t{a}\tm\td" for c, a in (("138875005", 1), ("404684003", 1), ("100000000", 0)))],
        "sct2_Description_Snapshot-en_INT_20990101.txt": ["conceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId",
            "11\t20990101\t1\tm\t138875005\ten\t900000000000003001\tSNOMED CT Concept\ts", "12\t20990101\t1\tm\t404684003\ten\t900000000000003001\tClinical finding (finding)\ts",
            "13\t20990101\t1\tm\t404684003\ten\t900000000000013009\tClinical finding\ts", "14\t20990101\t0\tm\t404684003\ten\t900000000000013009\tGone\ts",
            "15\t20990101\t1\tm\t100000000\ten\t900000000000003001\tOld finding (finding)\ts"],
        "sct2_Relationship_Snapshot_INT_20990101.txt": ["sourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId",
            "21\t20990101\t1\tm\t404684003\t138875005\t0\t116680003\tc\tx", "22\t20990101\t0\tm\t138875005\t404684003\t0\t116680003\tc\tx"],
        "sct2_RelationshipConcreteValues_Snapshot_INT_20990101.txt": ["not read"],
        "der2_cRefset_LanguageSnapshot-en_INT_20990101.txt": ["refsetId\treferencedComponentId\tacceptabilityId", "u\t20990101\t1\tm\t900000000000509007\t13\t900000000000548007"],
        "der2_cRefset_AssociationSnapshot_INT_20990101.txt": ["refsetId\treferencedComponentId\ttargetComponentId", "u\t20990101\t1\tm\t900000000000526001\t100000000\t404684003"],
    }  # fmt: skip
    for name, (columns, *rows) in files.items():
        (at / name).write_text("\r\n".join([head + columns, *rows]) + "\r\n", encoding="utf-8")
    return folder


def written(path: Path, content: str | dict[str, Any]) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def compiled(path: Path, **order: Any) -> tuple[CodeSystemStore, dict[str, Any]]:
    """In this process, as the tests of the ways there do not need another one."""
    target = path.parent / "compiled.sqlite"
    answer = compile_file(Order(str(path), **order), target)
    return CodeSystemStore(target), answer


def test_claml(tmp_path: Path) -> None:
    store, answer = compiled(written(tmp_path / "x.xml", CLAML), system="ICD10GM")
    assert answer["format"] == "claml" and answer["concepts"] == 4 and store.complete and store.version == "2099"
    assert store.lookup("ICD10GM:A00.0").label == "Probe, kurz & gut"
    assert store.lookup("ICD10GM:A00").label == "Probe" and store.languages("ICD10GM:A00.0")[0][0] == "de"
    assert store.ancestors("ICD10GM:A00.0") == {"ICD10GM:A00.0", "ICD10GM:A00", "ICD10GM:A00-A09", "ICD10GM:I"}
    assert ("narrow", "Probe akut") in store.names("ICD10GM:A00") and ("related", "Kurz") in store.names(
        "ICD10GM:A00.0"
    )
    assert store.lookup("ICD10GM:A00+") == Replaced("ICD10GM:A00+", store.lookup("ICD10GM:A00"), obsolete=False)
    assert any("2 groups are no codes and are kept" in sentence for sentence in answer["said"]), "chapter and block"


def test_claml_3_with_modifiers_is_partial(tmp_path: Path) -> None:
    text = CLAML.replace("2.0.0", "3.0.0").replace(
        '<SuperClass code="A00"/>', '<SuperClass code="A00"/><ModifiedBy code="M"/>'
    )
    store, answer = compiled(written(tmp_path / "x.xml", text), system="ICD10GM")
    assert isinstance(store.lookup("ICD10GM:A00.01"), NotChecked), (
        "a code that a modifier may make is not called unknown"
    )
    assert any("1 classes take modifiers" in sentence for sentence in answer["said"])


def test_fhir(tmp_path: Path) -> None:
    store, answer = compiled(written(tmp_path / "x.json", CODE_SYSTEM))
    assert answer["format"] == "fhir" and answer["system"] == "ICD10GM" and answer["concepts"] == 3
    assert store.complete
    assert store.languages("ICD10GM:A00") == [("en", "One")] and store.by_text("one").code == "ICD10GM:A00"
    assert "ICD10GM:A00" in store.ancestors("ICD10GM:A00.0") and isinstance(store.lookup("ICD10GM:A01"), Obsolete)


@pytest.mark.parametrize(
    ("content", "fits"), [("not-present", "not-present"), ("supplement", "supplement"), ("what", "content is none")]
)
def test_fhir_content(tmp_path: Path, content: str, fits: str) -> None:
    with pytest.raises(InputError, match=fits):
        compiled(written(tmp_path / "x.json", CODE_SYSTEM | {"content": content}))


def test_fhir_fragment_and_other_hierarchies_are_said(tmp_path: Path) -> None:
    store, answer = compiled(
        written(tmp_path / "x.json", CODE_SYSTEM | {"content": "fragment", "hierarchyMeaning": "part-of"})
    )
    assert not store.complete and store.ancestors("ICD10GM:A00.0") == {"ICD10GM:A00.0"}
    assert "ICD10GM:A01" not in store.descendants("ICD10GM:A00"), "parent as a property means what the hierarchy means"
    assert any("fragment" in s for s in answer["said"]) and any("part-of" in s for s in answer["said"])


OWL = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#"
 xmlns:owl="http://www.w3.org/2002/07/owl#" xmlns:obo="http://purl.obolibrary.org/obo/" xmlns:oio="http://www.geneontology.org/formats/oboInOwl#">
<owl:Ontology rdf:about="http://purl.obolibrary.org/obo/x.owl">
 <owl:versionIRI rdf:resource="http://purl.obolibrary.org/obo/x/releases/2099-01-01/x.owl"/>
 <owl:imports rdf:resource="http://127.0.0.1:1/never.owl"/>
</owl:Ontology>
<owl:Class rdf:about="http://purl.obolibrary.org/obo/X_1"><rdfs:label>root</rdfs:label><oio:hasExactSynonym>the root</oio:hasExactSynonym>
 <oio:hasDbXref>UMLS:C1</oio:hasDbXref></owl:Class>
<owl:Class rdf:about="http://purl.obolibrary.org/obo/X_2"><rdfs:label>leaf</rdfs:label>
 <rdfs:subClassOf rdf:resource="http://purl.obolibrary.org/obo/X_1"/><rdfs:subClassOf rdf:resource="http://purl.obolibrary.org/obo/IMPORTED_1"/></owl:Class>
<owl:Class rdf:about="http://purl.obolibrary.org/obo/X_3"><rdfs:label>obsolete leaf</rdfs:label><owl:deprecated>true</owl:deprecated>
 <obo:IAO_0100001 rdf:resource="http://purl.obolibrary.org/obo/X_2"/></owl:Class>
<owl:Class rdf:about="http://purl.obolibrary.org/obo/BFO_1"/>
</rdf:RDF>
"""
CELLXGENE = {
    "X:1": {"ancestors": {}, "label": "root", "synonyms": ["the root"], "deprecated": False},
    "X:2": {"ancestors": {"X:1": 1}, "label": "leaf", "deprecated": False},
    "X:3": {"ancestors": {}, "label": "obsolete leaf", "deprecated": True, "replaced_by": "X:2"},
}


@pytest.mark.parametrize(
    ("name", "content", "order"),
    [("x.obo", OBO, {}), ("x.json", GRAPHS, {}), ("x.owl", OWL, {}), ("y.json", CELLXGENE, {"version": "2099-01-01"})],
)
def test_one_ontology_in_its_formats(tmp_path: Path, name: str, content: Any, order: dict[str, Any]) -> None:
    store, answer = compiled(written(tmp_path / name, content), **order)
    assert (answer["system"], answer["version"], answer["concepts"]) == ("X", "2099-01-01", 3)
    assert store.ancestors("X:2") == {"X:1", "X:2"} and store.by_text("leaf").code == "X:2"
    assert store.lookup("X:3") == Replaced("X:3", store.lookup("X:2"), obsolete=True)
    assert store.by_text("the root").code == "X:1"


def test_owl_says_what_it_leaves_out(tmp_path: Path) -> None:
    wordy = OWL.replace(
        '<obo:IAO_0100001 rdf:resource="http://purl.obolibrary.org/obo/X_2"/>',
        "<obo:IAO_0100001>leaf, X_2</obo:IAO_0100001>",
    )
    store, answer = compiled(written(tmp_path / "x.owl", wordy))
    assert answer["said"] == [
        "1 imports are not followed",
        "1 replacements are words and no codes, and are left out",
        "1 terms of other ontologies in the file are left out",
    ]
    assert isinstance(store.lookup("X:3"), Obsolete)


def test_cellxgene_of_two_ontologies(tmp_path: Path) -> None:
    import zstandard

    two = CELLXGENE | {"Y:1": {"ancestors": {}, "label": "other", "deprecated": False}}
    path = tmp_path / "x.json.zst"
    path.write_bytes(zstandard.compress(json.dumps(two).encode()))
    with pytest.raises(CallError, match="--system"):
        compiled(path, version="1")
    _, answer = compiled(path, version="1", system="X")
    assert answer["concepts"] == 3 and answer["said"] == ["1 terms of other ontologies in the file are left out"]


@pytest.mark.parametrize(("name", "content"), [("x.obo", OBO), ("x.json", GRAPHS)])
def test_ontologies_as_pronto_reads_them(tmp_path: Path, name: str, content: Any) -> None:
    import pronto

    path = written(tmp_path / name, content)
    store, answer = compiled(path)
    assert answer["system"] == "X" and answer["version"] == "2099-01-01" and answer["concepts"] == 3
    assert store.lookup("X:3") == Replaced("X:3", store.lookup("X:2"), obsolete=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = pronto.Ontology(io.BytesIO(path.read_bytes()), import_depth=0)
    for term in oracle.terms():
        if term.id.startswith("X:"):
            assert_as_pronto(store, term)


def assert_as_pronto(store: CodeSystemStore, term: Any) -> None:
    kinds = {(s.scope.lower(), s.description) for s in term.synonyms}
    assert store.names(term.id) == ([("label", term.name)] if term.name else []) + sorted(kinds)
    above = {t.id for t in term.superclasses() if t.id.split(":")[0] == store.system}
    assert store.ancestors(term.id) == above
    assert store.xrefs(term.id) == sorted({x.id for x in term.xrefs})


def test_loinc(tmp_path: Path) -> None:
    store, answer = compiled(written(tmp_path / "Loinc.csv", LOINC), version="2.99")
    assert answer["format"] == "loinc" and store.lookup("LOINC:8480-6").label == "Systolic, blood pressure"
    assert isinstance(store.lookup("LOINC:1-8"), Obsolete) and "MapTo.csv" in answer["said"][0]
    release = tmp_path / "release" / "LoincTable"
    release.mkdir(parents=True)
    written(release / "Loinc.csv", LOINC)
    written(release / "MapTo.csv", "LOINC,MAP_TO,COMMENT\n1-8,8480-6,\n")
    store, _ = compiled(tmp_path / "release", version="2.99")
    assert isinstance(store.lookup("LOINC:1-8"), Replaced)


def test_omop(tmp_path: Path) -> None:
    folder = tmp_path / "athena"
    folder.mkdir()
    for name, text in {"CONCEPT.csv": CONCEPT, "CONCEPT_ANCESTOR.csv": ANCESTOR, "VOCABULARY.csv": "vocabulary_id\tvocabulary_version\nSNOMED\t2099\n"}.items():  # fmt: skip
        written(folder / name, text)
    store, answer = compiled(folder, system="SNOMEDCT")
    assert answer["format"] == "omop" and answer["concepts"] == 3 and store.version == "2099"
    assert store.lookup("SNOMEDCT:100001001").label == 'All "x"' and isinstance(
        store.lookup("SNOMEDCT:100003003"), Obsolete
    )
    assert store.ancestors("SNOMEDCT:100002008") == {"SNOMEDCT:100001001", "SNOMEDCT:100002008"}
    with pytest.raises(CallError, match="--system"):
        compiled(folder)
    with pytest.raises(InputError, match="vocabulary_id"):
        compiled(folder, system="MONDO")


@pytest.mark.parametrize("packed", [False, True])
def test_rf2(tmp_path: Path, packed: bool) -> None:
    path = rf2(tmp_path / "release")
    if packed:
        with zipfile.ZipFile(tmp_path / "release.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for file in path.rglob("*.txt"):
                archive.write(file, f"R/{file.name}")
        path = tmp_path / "release.zip"
    store, answer = compiled(path)
    assert answer["format"] == "rf2" and answer["version"] == "20990101" and answer["concepts"] == 3
    assert store.names("SNOMEDCT:404684003") == [("label", "Clinical finding"), ("exact", "Clinical finding (finding)")]
    assert store.ancestors("SNOMEDCT:404684003") == {"SNOMEDCT:404684003", "SNOMEDCT:138875005"}
    assert store.lookup("SNOMEDCT:100000000").by == store.lookup("SNOMEDCT:404684003")
    assert isinstance(store.lookup("SNOMEDCT:404684004"), Unknown)


MAP = "refsetId\treferencedComponentId\tmapGroup\tmapPriority\tmapRule\tmapAdvice\tmapTarget\tcorrelationId\tmapCategoryId"


def with_map(folder: Path, *rows: str) -> Path:
    """The release with an extended map: rows are refset, concept, group, priority, rule, target, correlation."""
    path = rf2(folder)
    lines = [f"id\teffectiveTime\tactive\tmoduleId\t{MAP}"]
    for row in rows:
        refset, concept, group, priority, rule, target, correlation = row.split(";")
        cells = (refset, concept, group, priority, rule, f"ALWAYS {target}", target, correlation, "447637006")
        lines.append("\t".join(("u", "20990101", "1", "m", *cells)))
    name = "der2_iisssccRefset_ExtendedMapSnapshot_INT_20990101.txt"
    (path / "Snapshot" / "Terminology" / name).write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return path


def test_an_extended_map_becomes_a_code_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules, groups and priorities are kept in their order; what the release says of meaning is the predicate, else related."""
    release = with_map(
        tmp_path / "release",
        "447562003;404684003;2;1;TRUE;G63.2*;447561005", "447562003;404684003;1;2;OTHERWISE TRUE;E14.4;447561005",
        "447562003;404684003;1;1;IFA 44054006 | Type 2 |;E11.4+;447561005", "447562003;404684003;1;3;IFA 1;;447561005",
        "447562003;138875005;1;1;TRUE;;447561005", "6011000124106;404684003;1;1;TRUE;E1142;447558009",
        "447562003;100000000;1;1;TRUE;R69;447561005", "999;404684003;1;1;TRUE;X;447561005",
    )  # fmt: skip
    into = tmp_path / "mine"
    answer = add_code_system(Order(str(release)), into)
    assert [(one["name"], one["version"], one["rows"]) for one in answer["sets"]] == [("snomedct-icd10", "20990101", 4), ("snomedct-icd10cm", "20990101", 1)]  # fmt: skip
    assert {sentence for sentence in answer["said"] if "row" in sentence} == {
        "1 rows of maps to systems that mappings/systems does not name (rf2_maps) are left out",
        "1 rows of the map to ICD10 are of concepts that are not active, and are left out",
        "1 rows of the map to ICD10 have no target beside rows that have one, and are left out",
    }
    lines = [
        line.split("\t")
        for line in Path(answer["sets"][0]["file"]).read_text().splitlines()
        if not line.startswith("#")
    ]
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    assert [(r["subject_id"], r["predicate_id"], r["object_id"], r["ext_map_group"], r["ext_map_priority"], r["ext_map_rule"]) for r in rows] == [
        ("SNOMEDCT:138875005", "skos:exactMatch", "sssom:NoTermFound", "1", "1", "TRUE"),
        ("SNOMEDCT:404684003", "skos:relatedMatch", "ICD10:E11.4+", "1", "1", "IFA 44054006 | Type 2 |"),
        ("SNOMEDCT:404684003", "skos:relatedMatch", "ICD10:E14.4", "1", "2", "OTHERWISE TRUE"),
        ("SNOMEDCT:404684003", "skos:relatedMatch", "ICD10:G63.2*", "2", "1", "TRUE"),
    ]  # fmt: skip
    monkeypatch.setenv("HARMONIZE_TERMINOLOGIES", str(into))
    maps = load_code_maps()
    assert maps.translate("SNOMEDCT:404684003", "ICD10").status == "not-mapped", (
        "a place in a classification is not exact"
    )
    assert maps.translate("SNOMEDCT:404684003", "ICD10", predicates=[RELATED]).status == "ambiguous"
    assert maps.translate("SNOMEDCT:404684003", "ICD10CM", predicates=[BROAD]).targets[0].code == "ICD10CM:E11.42"


@pytest.mark.parametrize("row", ["447562003;404684003;x;1;TRUE;A00;447561005", "447562003;404684003;1;1;TRUE;A00;1"])
def test_an_extended_map_that_is_none(tmp_path: Path, row: str) -> None:
    with pytest.raises(InputError, match="mapGroup") as caught:
        compiled(with_map(tmp_path / "release", row))
    assert caught.value.row == 2 and "ExtendedMap" in caught.value.file


def test_the_language_of_labels(tmp_path: Path) -> None:
    path = rf2(tmp_path / "release")
    at = path / "Snapshot" / "Terminology"
    head = "id\teffectiveTime\tactive\tmoduleId\t"
    (at / "sct2_Description_Snapshot-da_DK_20990101.txt").write_text(
        f"{head}conceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n"
        "16\t20990101\t1\tm\t404684003\tda\t900000000000013009\tklinisk fund\ts\n"
    )
    (at / "der2_cRefset_LanguageSnapshot-da_DK_20990101.txt").write_text(
        f"{head}refsetId\treferencedComponentId\tacceptabilityId\nu\t20990101\t1\tm\t554461000005103\t16\t900000000000548007\n"
    )
    for language, label in (
        ("", "Clinical finding"),
        ("da", "klinisk fund"),
        ("en", "Clinical finding"),
        ("554461000005103", "klinisk fund"),
    ):
        store, _ = compiled(path, language=language)
        assert (
            store.lookup("SNOMEDCT:404684003").label == label
            and store.lookup("SNOMEDCT:138875005").label == "SNOMED CT Concept"
        )
        assert store.languages("SNOMEDCT:404684003") == [("da", "klinisk fund")]
        assert store.by_text("klinisk fund").code == store.by_text("clinical finding").code == "SNOMEDCT:404684003"
    for language in ("fi", "123"):
        with pytest.raises(CallError, match="no language reference set prefers terms"):
            compiled(path, language=language)


def test_an_extension_alone_is_partial(tmp_path: Path) -> None:
    path = rf2(tmp_path / "release")
    for file in (path / "Snapshot" / "Terminology").glob("sct2_*"):
        file.write_text("\n".join(line for line in file.read_text().splitlines() if "138875005" not in line) + "\n")
    store, answer = compiled(path)
    assert isinstance(store.lookup("SNOMEDCT:404684004"), NotChecked) and any(
        "an extension without" in s for s in answer["said"]
    )


def test_lists(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("Kode;Tekst;Over\nA01;Rødt, tørt;A\nA;Alt;\nA01;Rødt, tørt;A\n".encode("iso-8859-1"))
    order = {"system": "SKS", "version": "2099", "columns": {"code": "Kode", "label": "Tekst", "parent": "Over"}}
    store, answer = compiled(path, **order, encoding="iso-8859-1", partial=True, licence="ours")
    assert store.lookup("SKS:A01").label == "Rødt, tørt" and store.ancestors("SKS:A01") == {"SKS:A", "SKS:A01"}
    assert not store.complete and store.meta["licence"] == "ours" and "1 codes stand twice" in answer["said"][0]
    with pytest.raises(InputError, match="utf-8") as caught:
        compiled(path, **order)
    assert caught.value.row == 2
    with pytest.raises(CallError, match="--version"):
        compiled(path, **order | {"version": ""}, encoding="iso-8859-1")
    with pytest.raises(CallError, match="--system"):
        compiled(path, **order | {"system": ""}, encoding="iso-8859-1")


SPELLINGS = {
    "ICD10GM": ("E119;a\nG63.2*;b\ne10.90;c", {"E11.9": "a", "G63.2": "b", "E10.90": "c"}),
    "ORPHA": ("Orphanet_558;a\nORPHA:586;b", {"558": "a", "586": "b"}),
    "OMIM": ("PS203655;a\n#100100;b", {"PS203655": "a", "100100": "b"}),
    "ICD9CM/diagnosis": ("0010;a\nV1201;b\nE8120;c", {"001.0": "a", "V12.01": "b", "E812.0": "c"}),
    "ICD9CM/procedure": ("0010;a", {"00.10": "a"}),
}


@pytest.mark.parametrize("notation", SPELLINGS)
def test_codes_are_kept_in_their_canonical_spelling(tmp_path: Path, notation: str) -> None:
    rows, labels = SPELLINGS[notation]
    store, answer = compiled(written(tmp_path / "x.csv", f"code;label\n{rows}\n"), system=notation, version="1")
    system = notation.partition("/")[0]
    assert store.system == answer["system"] == system
    assert {code: label for code, label, _ in store.terms()} == {f"{system}:{c}": label for c, label in labels.items()}


def test_rows_that_hold_no_code_of_the_system_are_left_out_and_told(tmp_path: Path) -> None:
    """A group is kept for what lies below it; a code that lost its zeros, and what lies below no code, is not."""
    rows = "I;Chapter;\n001-009;Block;I\n001;Cholera;001-009\n0010;c;001\n10;lost zeros;001\nII;empty;\nIIa;x;II\n"
    path = written(tmp_path / "x.csv", f"code;label;parent\n{rows}")
    store, answer = compiled(path, system="ICD9CM/diagnosis", version="2015")
    assert {code for code, _, _ in store.terms()} == {f"ICD9CM:{c}" for c in ("I", "001-009", "001", "001.0")}
    assert store.ancestors("ICD9CM:001.0") == {f"ICD9CM:{c}" for c in ("I", "001-009", "001", "001.0")}
    assert "2 groups are no codes and are kept for what lies below them, such as ICD9CM:001-009" in answer["said"]
    told = next(sentence for sentence in answer["said"] if sentence.startswith("3 rows"))
    assert "left out: ICD9CM:10, row 6 (it has lost leading zeros" in told


def test_two_spellings_of_one_code_stand_twice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ICD10GM:E11\.9 stands twice") as caught:
        compiled(written(tmp_path / "x.csv", "code;label\nE11.9;a\nE119;b\n"), system="ICD10GM", version="1")
    assert caught.value.row == 3
    with pytest.raises(CallError, match="axis"):
        add_code_system(Order(str(tmp_path / "x.csv"), system="ICD10GM/what"), tmp_path / "out")


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    path = written(tmp_path / "x.obo", OBO)
    compiled(path)[0].close()
    first = (tmp_path / "compiled.sqlite").read_bytes()
    compiled(path)[0].close()
    assert (tmp_path / "compiled.sqlite").read_bytes() == first


def test_what_was_added_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    into = tmp_path / "mine"
    monkeypatch.setenv("HARMONIZE_TERMINOLOGIES", str(into))
    shipped = Terminologies.installed().paths
    answer = add_code_system(Order(str(written(tmp_path / "x.obo", OBO.replace("X:", "HP:000000"))), system="HP"), into)
    terms = Terminologies.installed()
    assert into.stat().st_mode & 0o777 == 0o700 and [p.name for p in into.iterdir()] == ["HP-2099-01-01.sqlite"]
    assert str(terms.paths["HP"]) == answer["file"] and set(terms.paths) == set(shipped), "the user's wins"
    assert isinstance(terms.lookup("HP:0000002"), Found) and isinstance(terms.lookup("HP:0001250"), Unknown)
    assert "HP" in Terminologies.installed(into).paths and "MONDO" not in Terminologies.installed(into).paths
    again = add_code_system(Order(str(tmp_path / "x.obo"), system="HP", version="2098"), into)
    assert "2099-01-01 is the one that is used" in again["said"][-1]


BABELON = (
    "source_value\tsubject_id\ttranslation_status\tpredicate_id\ttranslation_language\ttranslation_value\n"
    "root {a}\tX:1\tOFFICIAL\trdfs:label\tde\tWurzel\nleaf\tX:2\tCANDIDATE\trdfs:label\tde\tBlatt\nleaf\tX:2\tNOT_TRANSLATED\trdfs:label\tde\tNA\n"
    "old words\tX:2\tOFFICIAL\trdfs:label\tde\tVeraltet\nwhat it is\tX:1\tOFFICIAL\tIAO:0000115\tde\tWas es ist\nx\tX:99\tOFFICIAL\trdfs:label\tde\tNichts\n"
)


def test_translations(tmp_path: Path) -> None:
    into = tmp_path / "mine"
    path = written(tmp_path / "x-de.babelon.tsv", BABELON)
    with pytest.raises(CallError, match="'X' is not installed"):
        add_code_system(Order(str(path)), into)
    add_code_system(Order(str(written(tmp_path / "x.obo", OBO))), into)
    before = Terminologies.installed(into).digests()
    answer = add_code_system(Order(str(path)), into)
    terms = Terminologies.installed(into)
    store = terms.store("X")
    assert (
        store is not None
        and store.languages("X:1") == [("de", "Wurzel")]
        and terms.by_text("X", "wurzel").code == "X:1"
    )
    assert isinstance(terms.by_text("X", "Blatt"), Unknown) and isinstance(terms.by_text("X", "Veraltet"), Unknown)
    assert answer["said"][0] == "1 names were added" and len(answer["said"]) == 6 and terms.digests() != before
    assert store.lookup("X:1").label == "root {a}" and [p.name for p in into.iterdir()] == ["X-2099-01-01.sqlite"]
    add_code_system(Order(str(path), candidates=True), into)
    assert Terminologies.installed(into).by_text("X", "Blatt").code == "X:2"
    for wrong in ({"system": "HP"}, {"version": "1"}):
        with pytest.raises(CallError, match="says"):
            add_code_system(Order(str(path), **wrong), into)
    with pytest.raises(InputError, match="language tag"):
        add_code_system(Order(str(written(path, BABELON.replace("\tde\t", "\t../\t")))), into)


SYNONYMS = (
    "subject_id\ttranslation_value\tcomment\nID\tAL oboInOwl:hasBroadSynonym@de SPLIT=|\t\nX:1\tWurzel|Ursprung\tOFFICIAL\n"
    "X:2\tBlatt\tCANDIDATE\nX:2\tleaf\tNOT_TRANSLATED\nX:99\tNichts\tOFFICIAL\nX:2\tLaub\t\n"
)


def test_synonyms_of_a_template(tmp_path: Path) -> None:
    into = tmp_path / "mine"
    add_code_system(Order(str(written(tmp_path / "x.obo", OBO))), into)
    path = written(tmp_path / "x.tsv", SYNONYMS)
    answer = add_code_system(Order(str(path)), into)
    store = Terminologies.installed(into).store("X")
    assert (
        store is not None
        and store.languages("X:1") == [("de", "Ursprung"), ("de", "Wurzel")]
        and store.languages("X:2") == [("de", "Laub")]
    )
    assert ("broad", "Wurzel") in store.names("X:1") and answer["said"] == [
        "3 names were added", "1 rows are candidates, which count with --candidates", "1 rows are not translated, or of another status",
        "1 rows are of codes that the ontology does not have", "1 rows state no status and count as official ones",
    ]  # fmt: skip
    for wrong in (
        SYNONYMS.replace("ID\t", "X:3\t"),
        SYNONYMS.replace("@de", ""),
        SYNONYMS.replace("hasBroadSynonym", "hasColour"),
    ):
        with pytest.raises(InputError, match="no template of ROBOT") as caught:
            add_code_system(Order(str(written(path, wrong))), into)
        assert caught.value.row == 2


def test_the_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert user_folder() == Path("/nonexistent/harmonize-terminologies")
    monkeypatch.delenv("HARMONIZE_TERMINOLOGIES")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert user_folder() == tmp_path / "harmonize" / "terminologies"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_folder() == tmp_path / ".local" / "share" / "harmonize" / "terminologies"
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError))
    assert not user_folder().exists() and "HP" in Terminologies.installed().paths


def test_a_damaged_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "X-1.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(SpecificationError, match="damaged"):
        Terminologies.installed(tmp_path).stores()


def test_wrong_orders(tmp_path: Path) -> None:
    path = written(tmp_path / "x.obo", OBO)
    for order, error in (
        (Order(str(path), format="obbo"), UnknownNameError), (Order(str(path), system="../x"), CallError), (Order(str(path), system="UCUM"), CallError),
        (Order(str(path), encoding="utf-7"), UnknownNameError), (Order(str(path), columns={"colour": "x"}), UnknownNameError), (Order(str(tmp_path / "none")), CallError),
    ):  # fmt: skip
        with pytest.raises(error):
            add_code_system(order, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(CallError, match="cannot write"):
        add_code_system(Order(str(path)), path)
