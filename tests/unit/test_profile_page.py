"""The page of a profile: nothing that the profile says is missing on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmonize.errors import InputError, UnknownNameError
from harmonize.profile_check import describe_profile
from harmonize.profile_page import profile_page
from harmonize.profiles.loading import load_profile
from harmonize.profiles.specification_files import profile_ids
from tests.shared_data import SHARED


@pytest.mark.parametrize("name", profile_ids())
def test_every_slot_reason_and_value_is_on_the_page(name: str) -> None:
    page, profile, shown = profile_page(name), load_profile(name), describe_profile(name)
    for source_class, slots in profile.source.classes.items():
        if any(slot.range not in profile.source.classes for slot in slots.values()):
            part = page.partition(f"### {source_class}\n")[2].partition("\n#")[0]
            for slot in slots.values():
                assert slot.range in profile.source.classes or f"| `{slot.name}`" in part, slot.name
    for entry in shown["mapped"]:
        assert not entry["from"] or f"`{entry['hub']}`" in page
    for item in shown["left_out"]:
        assert " ".join(item["reason"].split()).replace("<", "&lt;").replace("|", "\\|") in page
    for meanings in profile.source.meanings.values():
        assert all(f"`{meaning.code}`" in page for meaning in meanings.values())
    for code_map, policy in profile.code_maps.items():
        for file in policy.sets:
            line = next(row for row in page.splitlines() if row.startswith(f"| `{code_map}` | {file.name} |"))
            assert all(f"`{predicate}`" in line for predicate in policy.predicates or profile.predicates)


def test_what_targets_do_not_hold_is_said_with_the_reason() -> None:
    line = next(row for row in profile_page("de/obds").splitlines() if row.startswith("| `Stellung_OP`"))
    assert "`Treatment.setting`" in line and line.count("no: ") == 2


def test_a_slot_that_others_take_goes_where_they_go() -> None:
    line = next(row for row in profile_page("de/obds").splitlines() if row.startswith("| `ST_Intention`"))
    assert "`Treatment.intention_to_treat`" in line


def test_unknown_profiles_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        profile_page("de/obd")
    (tmp_path / "x.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x"><xs:element name="a"/></xs:schema>'
    )
    with pytest.raises(InputError, match="the XSD of no dialect of de/obds"):
        profile_page("de/obds", [tmp_path / "x.xsd"])


OBDS = SHARED / "national-formats" / "de-obds-cancer-registry" / "spec"


@pytest.mark.skipif(not OBDS.is_dir(), reason=f"needs {OBDS}, which is not on this machine")
def test_every_element_of_an_xsd_has_its_place() -> None:
    page = profile_page("de/obds", [OBDS / "oBDS_v3.0.4.xsd", OBDS / "ADT_GEKID_v2.2.3.xsd"])
    assert "593 elements and attributes" in page and "350 elements and attributes" in page
    assert page.count(" 0 unknown.") == 2
    assert "| `Menge_Patient/Patient/Menge_Meldung/Meldung/OP/Menge_OPS/OPS/Code` | `Procedure.code` |" in page
