"""Crosswalks of data-set items: what they name exists, no row stands twice, and every path of a target finds its value."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import fhirpathrs
import pytest
import yaml

from harmonize.datasets.specification import load_dataset
from harmonize.shipped import mappings_folder
from harmonize.terminology.notation import Code, load_systems
from harmonize.terminology.sssom import read_mapping_set
from tests.shared_data import SHARED

FILES = sorted((mappings_folder() / "items").glob("*.sssom.tsv"))
DATA_SETS = SHARED / "minimal-datasets"
TARGETS = SHARED / "targets"
OSIRIS = SHARED / "national-formats" / "fr-osiris" / "spec" / "pivot-columns.csv"
RESOURCES = [json.loads(line) for line in (Path(__file__).parent / "resources.ndjson").read_text().splitlines()]
PREDICATES = {f"skos:{name}Match" for name in ("exact", "close", "broad", "narrow", "related")}
JUSTIFICATIONS = {"semapv:ManualMappingCuration", "semapv:UnspecifiedMatching"}
US_CORE_SLICES = {"assertedDate"}  # of US Core Condition, the parent, which the shared files do not hold
NOT_PRINTED_SO = {  # names that the rows of a column leave no doubt about; the comment has the printed one
    "radiation_therapy_modality",
    "Biospecimen_Sample_biospecimen_anatomic_site",
    "Biospecimen_Sample_preservation_method",
    "treatment_type",
}


def stem(path: Path) -> str:
    return path.name.removesuffix(".sssom.tsv")


def rows(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


def paths(suffix: str) -> list[str]:
    return sorted({row["ext_path"] for file in FILES if stem(file).endswith(suffix) for row in rows(file)})


def table(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("path", FILES, ids=stem)
def test_a_file_is_sound(path: Path) -> None:
    read = read_mapping_set(path)
    assert read.id == f"https://w3id.org/harmonize/mappings/items/{stem(path)}" and read.version == "1.0.0"
    found = rows(path)
    assert len(read.rows) == len(found) > 0
    keys = [(row["subject_id"], row["object_id"], row.get("ext_path", "")) for row in found]
    assert len(set(keys)) == len(keys), "a row stands twice"
    for row in found:
        assert row["predicate_id"] in PREDICATES and row["mapping_justification"] in JUSTIFICATIONS
        assert 0 < float(row["confidence"]) <= 1 and row["mapping_source"].startswith("basis:")
        assert row.get("ext_path") != ""


@pytest.mark.parametrize("path", FILES, ids=stem)
def test_sssom_py_reads_and_accepts_every_row(path: Path) -> None:
    from sssom.constants import SchemaValidationType
    from sssom.parsers import parse_sssom_table
    from sssom.validators import validate

    read = parse_sssom_table(path)
    assert len(read.df) == len(rows(path)), "sssom-py left out what it does not take"
    reports = validate(read, list(SchemaValidationType)[:1], fail_on_error=False)
    assert [result.message for report in reports.values() for result in report.results] == []


def _known_mdc() -> Iterator[str]:
    yield from (row["Item number"] for row in table(DATA_SETS / "1plusmg-mdc" / "1plusMG-MDC_140_items.csv"))


def _known_hmd() -> Iterator[str]:
    for row in table(DATA_SETS / "hmd" / "HMD_merged_fields.csv"):
        yield f"{row['class']}.{re.sub('[^A-Za-z0-9]+', '_', row['item']).strip('_')}"


def _printed(column: str) -> Iterator[str]:
    for row in table(DATA_SETS / "1plusmg-mdc" / "1plusMG-MDC_140_items.csv"):
        yield from (" ".join(name.split()) for name in re.split(r",\s*|\n+", row[column]) if name.strip())
    yield from NOT_PRINTED_SO


def _known_osiris() -> Iterator[str]:
    for row in table(OSIRIS):
        name = row["pivot_file"].removeprefix("OSIRIS_pivot_").removesuffix(".csv")
        yield from (row["column"], f"{name}_{row['column']}")


def _known_fair_genomes() -> Iterator[str]:
    model = yaml.safe_load((DATA_SETS / "fairgenomes" / "fair-genomes.yml").read_text(encoding="utf-8"))
    for module in model["modules"]:
        yield from (f"{module['name']}.{element['name']}" for element in module["elements"])


def _known_omop() -> Iterator[str]:
    for row in table(TARGETS / "omop54" / "cdm" / "OMOP_CDMv5.4_Field_Level.csv"):
        yield f"{row['cdmTableName']}.{row['cdmFieldName']}"


SOURCES = {
    "hmd": (DATA_SETS / "hmd", _known_hmd),
    "mdc": (DATA_SETS / "1plusmg-mdc", _known_mdc),
    "erdri": (DATA_SETS / "jrc-cde", lambda: (row["no"] for row in table(DATA_SETS / "jrc-cde" / "JRC_CDE_16.csv"))),
    "rdcdm": (
        DATA_SETS / "rd-cdm",
        lambda: (row["ordinal"] for row in table(DATA_SETS / "rd-cdm" / "data_elements.csv")),
    ),
    "argo": (DATA_SETS / "1plusmg-mdc", lambda: _printed("ICGC-ARGO")),
    "gdc": (DATA_SETS / "1plusmg-mdc", lambda: _printed("GDC")),
    "osiris": (OSIRIS, _known_osiris),
    "fairgenomes": (DATA_SETS / "fairgenomes", _known_fair_genomes),
    "omop": (TARGETS / "omop54", _known_omop),
}


def named(prefix: str) -> set[str]:
    """What the files name under *prefix*, read with our reader, which undoes the percent-encoding."""
    curies = {curie for file in FILES for row in read_mapping_set(file).rows for curie in (row.subject, row.object)}
    return {curie.partition(":")[2] for curie in curies if curie.startswith(f"{prefix}:")}


@pytest.mark.parametrize("prefix", SOURCES)
def test_items_and_fields_exist(prefix: str) -> None:
    source, known = SOURCES[prefix]
    if not source.exists():
        pytest.skip(f"the table is not there: {source}")
    assert named(prefix) - set(known()) == set() != named(prefix)


def test_mcode_profiles_and_slices_exist() -> None:
    if not (DATA_SETS / "mcode-4.0.0").exists():
        pytest.skip("the profiles of mCODE are not there")
    text = "\n".join(file.read_text(encoding="utf-8") for file in (DATA_SETS / "mcode-4.0.0").glob("*.fsh"))
    profiles = set(re.findall(r"^Profile:\s+(\S+)", text, re.MULTILINE))
    slices = set(re.findall(r"named (\w+)", text)) | set(re.findall(r"\[([\w-]+)\]", text)) | US_CORE_SLICES
    slices |= set(re.findall(r"^\s+(\w+) [01]\.\.", text, re.MULTILINE))
    for element in named("mcode"):
        assert element.partition(".")[0] in profiles, element
        assert set(re.findall(r":([\w-]+)", element)) <= slices, element


@pytest.mark.parametrize("expression", paths("-fhir-r4"))
def test_a_fhirpath_finds_its_value(expression: str) -> None:
    """In a resource that was written by hand for it; an expression that does not compile raises."""
    kinds = set(re.findall(r"(?:^|\| )([A-Z]\w+)\.", expression))
    assert len(kinds) == 1 and kinds <= _resource_types(), "an expression begins with one resource type"
    parts = expression.split(" | ")
    for part in parts:
        found = (fhirpathrs.evaluate(part, resource) for resource in RESOURCES if resource["resourceType"] in kinds)
        assert any(value not in ([], None) for value in found), part


@pytest.mark.parametrize(
    ("item", "codes"),
    [
        ("hmd:Diagnosis.Diagnosis", {"73211009", "p"}),  # neither the provisional one nor "no determined diagnosis"
        ("hmd:Diagnosis.Provisional_diagnosis_clinical_diagnosis", {"maybe"}),
        ("hmd:TNM.Lymph_Node_Status", {"pN1"}),
        ("hmd:TNM.Metastases", {"cM0"}),
        ("hmd:Biomarker.Code", {"2160-0", "718-7"}),  # a variant is a laboratory observation too
        ("hmd:Variant.Variant_Origin", {"germline"}),
    ],
)
def test_a_fhirpath_finds_nothing_else(item: str, codes: set[str]) -> None:
    [expression] = {row["ext_path"] for row in rows(_file("hmd-fhir-r4")) if row["subject_id"] == item}
    found = [fhirpathrs.evaluate(expression, resource) for resource in RESOURCES]
    values = [value for one in found for value in (one if isinstance(one, list) else [one])]
    assert {value["code"] if isinstance(value, dict) else value for value in values} == codes


@pytest.mark.parametrize("path", [file for file in FILES if "ext_words" in rows(file)[0]], ids=stem)
def test_what_a_word_means_is_in_the_value_set_of_its_item(path: Path) -> None:
    dataset = load_dataset(stem(path).removesuffix("-fhir-r4").removesuffix("-phenopackets"))
    items = {item.id: item for item in dataset.items}
    listed = [(row["subject_id"], row["ext_words"], row["ext_path"]) for row in rows(path) if row["ext_words"]]
    assert listed
    for item, words, where in listed:
        values = dataset.value_sets.get(items[item].value_set or "")
        codes = {value.code for value in values.values} if values else set()
        meanings = {meaning for word in words.split() if (meaning := word.partition("=")[2]) not in ("", "?")}
        # A system may say more than the item takes, as GoE takes two sexes: the record is then wrong, and that is meant.
        assert meanings & codes or meanings <= {"true", "false"}, (item, where)
        for code in meanings - codes - {"true", "false"}:
            assert isinstance(load_systems().parse(code, code.partition(":")[0]), Code), (item, where, code)


def _file(name: str) -> Path:
    return next(file for file in FILES if stem(file) == name)


def _resource_types() -> set[str]:
    return {resource["resourceType"] for resource in RESOURCES}


@cache
def _r4() -> dict[str, Any]:
    with gzip.open(TARGETS / "fhir-r4" / "fhir.schema.r4.json.gz") as file:
        return dict(json.load(file)["definitions"])


def test_fhir_elements_exist() -> None:
    if not TARGETS.exists():
        pytest.skip("the FHIR R4 schema is not there")
    for element in named("fhir"):
        kind, *steps = element.split(".")
        node = _r4()[kind]
        for step in steps:
            name = next((n for n in node["properties"] if n == step or re.fullmatch(f"{step}[A-Z]\\w+", n)), None)
            assert name is not None, element
            found = node["properties"][name]
            reference = found.get("$ref", found.get("items", {}).get("$ref", ""))
            node = _r4().get(reference.rpartition("/")[2], {"properties": {}})


@cache
def _phenopackets() -> dict[str, Any]:
    from harmonize import checks

    schema = Path(checks.__file__).parent / "phenopackets.schema.json"
    return dict(json.loads(schema.read_text(encoding="utf-8"))["$defs"])


@pytest.mark.parametrize("path", paths("-phenopackets"))
def test_a_path_of_phenopackets_exists(path: str) -> None:
    definitions = _phenopackets()
    node = next(node for name, node in definitions.items() if name.endswith(".Phenopacket"))
    path = path.partition("=")[0]  # behind it stands what is meant where the element is not there
    for step in re.sub(r"\[!\w+\]", "[]", path).split("."):
        node = definitions[node["$ref"].removeprefix("#/$defs/")] if "$ref" in node else node
        open_map = node.get("additionalProperties")
        node = node.get("properties", {}).get(step.removesuffix("[]")) or (
            open_map if isinstance(open_map, dict) else None
        )
        assert node is not None, f"{step} does not exist"
        assert (node.get("type") == "array") == step.endswith("[]"), f"{step} is a list or is none"
        node = node["items"] if step.endswith("[]") else node


@pytest.mark.parametrize("path", paths("-beacon"))
def test_a_path_of_beacon_exists(path: str) -> None:
    model = TARGETS / "beacon-v2" / "models" / "json" / "beacon-v2-default-model"
    if not model.exists():
        pytest.skip("the schemas of Beacon are not there")
    kind, *steps = path.split(".")
    file = model / kind / "defaultSchema.json"
    node = json.loads(file.read_text(encoding="utf-8"))
    for step in steps:
        file, node = _beacon_step(file, node, step.removesuffix("[]"))
        assert (node.get("type") == "array") == step.endswith("[]"), f"{step} is a list or is none"
        if step.endswith("[]"):
            file, node = _beacon_target(file, node["items"])


def _beacon_step(file: Path, node: dict[str, Any], name: str) -> tuple[Path, dict[str, Any]]:
    for choice in (node, *node.get("oneOf", ()), *node.get("anyOf", ())):
        where, found = _beacon_target(file, choice)
        if name in found.get("properties", {}):
            return _beacon_target(where, found["properties"][name])
    raise AssertionError(f"{name} does not exist")


def _beacon_target(file: Path, node: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """What a reference means. Those to other repositories and to a missing file are terms."""
    while "$ref" in node:
        name, _, inside = node["$ref"].partition("#")
        target = file if not name else file.parent / name
        if not target.exists():
            return file, {}
        file, node = target, json.loads(target.read_text(encoding="utf-8"))
        for key in inside.strip("/").split("/") if inside else ():
            node = node[key]
    return file, node
