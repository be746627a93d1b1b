"""de/obds against public samples: version 2 and 3 twins give equal records, DKTK's bundles hold no fact that ours do not, every element is known.

Sources: pcvolkmer/obds2-to-obds3 (MIT), samply/obds2fhir (Apache-2.0), the XSDs of the registries. Every difference is in a table with its reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.input.xml_rows import Paths
from harmonize.profiles.loading import load_profile
from harmonize.profiles.xml_assembly import DOCUMENT, SUBJECT_ELEMENT, holder_of
from tests.properties.test_accounting import assert_adds_up
from tests.registry import ALL_TARGETS, KEY, RECORDED, Run
from tests.shared_data import SHARED

OBDS = SHARED / "national-formats" / "de-obds-cancer-registry"
X = "{http://www.w3.org/2001/XMLSchema}"
pytestmark = pytest.mark.skipif(not OBDS.is_dir(), reason=f"needs {OBDS}, which is not on this machine")


def convert(path: Path, out: Path) -> Run:
    settings = Settings("de/obds", ALL_TARGETS, KEY, "test", "require", RECORDED)
    run = Run(out, convert_files(settings, RunOptions((path,), out, max_errors="100%")))
    assert_adds_up(run)
    return run


# --- version 2 and its version 3 ------------------------------------------------------------------------------------

TWINS = [
    "1",
    "histologie",
    "invalid-schema",
    "missing_meldungen",
    "modul_prostata",
    "op_1",
    "patho",
    "st_1",
    "syst_1",
    "tod",
    "tumorkonferenz",
    "verlauf",
]
EXPLAINED: dict[str, dict[str, str]] = {
    # twin: path -> why the records differ there
    "modul_prostata": {
        "/0/diagnoses/0/disease/codings/0/code": "The message of version 2 states two codes, C17.1 beside the tumour and C61.0 in the "
        "diagnosis; the converter keeps the first, we take one by its contents and say so (source.superseded).",
    },
    "st_1": {
        "/0/treatments/0/adverse_events": "Version 2 states a grade alone; the converter adds the kind `Sonstige`, which version 3 demands.",
        "/0/treatments/1/adverse_events": "As above, in the other target region.",
    },
    "syst_1": {
        "/0/treatments/0/adverse_events": "Version 2 states the kind of an event of unknown grade; version 3 has no place for it.",
    },
}


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            if name not in one or name not in other:
                yield f"{path}/{name}"
            else:
                yield from differences(one[name], other[name], f"{path}/{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from differences(mine, theirs, f"{path}/{index}")
    elif one != other:
        yield path


@pytest.mark.parametrize("name", TWINS)
def test_twins_give_equal_records(name: str, tmp_path: Path) -> None:
    old = convert(OBDS / "samples" / "obds-v2" / f"obdsv2_{name}.xml", tmp_path / "old").lines("hub/subjects.ndjson")
    new = convert(OBDS / "expected" / "obds-v3" / f"obdsv3_{name}.xml", tmp_path / "new").lines("hub/subjects.ndjson")
    assert old and set(differences(old, new)) == set(EXPLAINED.get(name, {}))


# --- DKTK -----------------------------------------------------------------------------------------------------------

SIDES = {"L": "7771000", "R": "24028007", "B": "51440002"}
PARTS_OF_TNM = {"21905-5": "cT", "21906-3": "cN", "21907-1": "cM", "21899-0": "pT", "21900-6": "pN", "21901-4": "pM"}
MISSED: dict[tuple[str, str], str] = {
    # fact -> why it is not among ours
    (
        "icdo3",
        "8147/3",
    ): "A second morphology of the tumour, older than 8140/3: the hub holds the newest, the other is said (source.superseded).",
    **{
        (
            "tnm",
            f"{prefix}{axis}{value}",
        ): "No category of TNM: there is no N without 0 to 3 or X and no M2; rejected with source.code."
        for prefix in "cp"
        for axis, value in (("N", "(sn)(mol+)"), ("M", "2(cy-)"))
    },
    (
        "ops",
        "8-52",
    ): "No source states it: the converter writes it for every radiation; ours is SNOMED CT 1287742003 of HMD.",
    (
        "icd",
        "C62 Sonstige",
    ): "The edition is `Sonstige`: the code is carried as words, without a system that nobody states.",
}


def expected_facts(name: str) -> set[tuple[str, str]]:
    """Codes, dates, sides and TNM of an expected bundle."""
    root = etree.parse(str(OBDS / "expected" / "dktk-fhir" / name)).getroot()
    facts = set()
    for coding in root.iter("{*}coding"):
        system, code, version = (
            (coding.find(f"{{*}}{part}").get("value") if coding.find(f"{{*}}{part}") is not None else "")
            for part in ("system", "code", "version")
        )
        if system.endswith("icd-10-gm"):
            facts.add(("icd", code))
        elif system == "Sonstige":
            facts.add(("icd", f"{code} Sonstige"))
        elif system.endswith("/ops"):
            facts.add(("ops", code))
        elif system == "urn:oid:2.16.840.1.113883.6.43.1" and version:
            facts.add(("icdo3", code))
        elif system.endswith("SeitenlokalisationCS") and code in SIDES:
            facts.add(("side", SIDES[code]))
    for component in root.iter("{*}component"):
        codes = [element.get("value") for element in component.iter("{*}code") if element.get("value")]
        part = next((PARTS_OF_TNM[code] for code in codes if code in PARTS_OF_TNM), None)
        value = component.find("{*}valueCodeableConcept/{*}coding/{*}code")
        if part is not None and value is not None:
            facts.add(("tnm", part + value.get("value")))
    for tag in ("birthDate", "onsetDateTime", "deceasedDateTime"):
        facts |= {("date", element.get("value")) for element in root.iter(f"{{*}}{tag}")}
    return facts


def our_facts(run: Run) -> set[tuple[str, str]]:
    facts = set()
    for file in (run.folder / "fhir-r4").glob("*.ndjson"):
        for line in file.read_text().splitlines():
            for system, code in codings(json.loads(line)):
                kind = {"icd-10-gm": "icd", "ops": "ops", "icd-o-3": "icdo3", "tnm": "tnm", "sct": "side"}.get(
                    system.rpartition("/")[2]
                )
                if kind == "tnm":  # prefix c or p, axis, category; symbols apart
                    found = re.fullmatch(r"[rya]*([cpu]?[TNM].*?)(?:\([0-9]+\)|\(TNM_m_Symbol[0-9]\))?", code)
                    code = found[1] if found else code
                if kind:
                    facts.add((kind, code))
            facts |= {("date", date) for date in re.findall(r'"([0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?)"', line)}
    return facts


def codings(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if "system" in value and "code" in value:
            yield value["system"], value["code"]
        for item in value.values():
            yield from codings(item)
    elif isinstance(value, list):
        for item in value:
            yield from codings(item)


@pytest.mark.parametrize(
    ("sample", "bundle"),
    [
        ("File-1-ADT2_Testpatient.xml", "FHIR_ADT_Expected-File-1.xml"),
        ("File-2-ADT2_TestpatientMissingDate.xml", "FHIR_ADT_Expected-File-2-MissingDate.xml"),
    ],
)
def test_facts_of_dktk_are_in_our_fhir(sample: str, bundle: str, tmp_path: Path) -> None:
    expected = expected_facts(bundle)
    missed = expected - our_facts(convert(OBDS / "samples" / "dktk-adt" / sample, tmp_path / "out"))
    assert expected and missed <= set(MISSED), sorted(missed - set(MISSED))


def test_no_explanation_is_out_of_date(tmp_path: Path) -> None:
    pairs = [("File-1-ADT2_Testpatient.xml", "FHIR_ADT_Expected-File-1.xml"),
             ("File-2-ADT2_TestpatientMissingDate.xml", "FHIR_ADT_Expected-File-2-MissingDate.xml")]  # fmt: skip
    missed: set[tuple[str, str]] = set()
    for sample, bundle in pairs:
        missed |= expected_facts(bundle) - our_facts(convert(OBDS / "samples" / "dktk-adt" / sample, tmp_path / sample))
    assert missed == set(MISSED)


# --- every element of the specification -----------------------------------------------------------------------------


def leaves(schema: Path, root: str) -> Iterator[str]:
    """The paths below the root of all elements with text and all attributes, as the XSD allows them."""
    tree = etree.parse(str(schema)).getroot()
    types = {e.get("name"): e for e in tree if e.tag in (f"{X}complexType", f"{X}simpleType")}
    elements = {e.get("name"): e for e in tree if e.tag == f"{X}element"}

    def local(name: str | None) -> str:
        return (name or "").split(":")[-1]

    def walk(node: Any, path: str) -> Iterator[str]:
        for child in node:
            if child.tag == f"{X}element":
                known = elements.get(local(child.get("ref")), child)
                here = f"{path}/{known.get('name')}".lstrip("/")
                kind = types.get(local(known.get("type")))
                inner = kind if kind is not None else next((c for c in known if c.tag == f"{X}complexType"), None)
                if inner is None or inner.tag == f"{X}simpleType":
                    yield here
                else:
                    yield from walk(inner, here)
            elif child.tag == f"{X}attribute":
                yield f"{path}/@{child.get('name')}".lstrip("/")
            elif child.tag in (f"{X}extension", f"{X}restriction"):
                base = types.get(local(child.get("base")))
                if base is not None and base.tag == f"{X}complexType":
                    yield from walk(base, path)
                elif child.tag == f"{X}extension":
                    yield path
                yield from walk(child, path)
            elif isinstance(child.tag, str):
                yield from walk(child, path)

    inner = next(c for c in elements[root] if c.tag == f"{X}complexType")
    yield from walk(inner, "")


@pytest.mark.parametrize(("schema", "root"), [("oBDS_v3.0.4.xsd", "oBDS"), ("ADT_GEKID_v2.2.3.xsd", "ADT_GEKID")])
def test_every_element_is_mapped_or_left_out(schema: str, root: str) -> None:
    paths = Paths(load_profile("de/obds"))
    unknown, mapped, left_out = [], 0, 0
    for path in dict.fromkeys(leaves(OBDS / "spec" / schema, root)):
        inside = path.startswith("Menge_Patient/Patient/")
        name = path.removeprefix("Menge_Patient/Patient/") if inside else f"/{path}"
        element = name.partition("/@")[0] if not name.startswith("@") else SUBJECT_ELEMENT
        holder = element if element in paths.row_paths else holder_of(element, paths.row_paths)
        column = paths.column(paths.table((holder or SUBJECT_ELEMENT) if inside else DOCUMENT), name)
        mapped += column.is_slot
        left_out += column.is_known and not column.is_slot
        if not column.is_known:
            unknown.append(name)
    print(
        f"{schema}: {mapped} of {mapped + left_out + len(unknown)} elements fill a slot, {left_out} are left out with a reason"
    )
    assert unknown == []
    assert mapped > 100
