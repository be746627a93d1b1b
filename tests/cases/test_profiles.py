"""One runner over every profile: it accounts for every slot, and keeps its cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from harmonize.profile_check import ProfileCheck, case_differences, check_profile
from harmonize.profiles.loading import load_profile
from harmonize.profiles.specification_files import profile_ids
from harmonize.terminology.strict_yaml import load_strict_yaml

CASES = [
    pytest.param(profile, file, id=f"{profile}/{file.name}")
    for profile in profile_ids()
    for file in sorted((load_profile(profile).folder / "cases").glob("*.yaml"))
]


@pytest.mark.parametrize("profile", profile_ids())
def test_profile_accounts_for_every_slot(profile: str) -> None:
    check: ProfileCheck = check_profile(profile)
    assert check.as_json()["problems"] == []
    assert check.good and len(check.passed) >= 3


@pytest.mark.parametrize(("profile", "file"), CASES)
def test_case(profile: str, file: Path) -> None:
    assert list(case_differences(load_profile(profile), file)) == []


def test_a_case_that_expects_otherwise_fails(tmp_path: Path) -> None:
    profile = load_profile("eu/ern-cde")
    text = (profile.folder / "cases" / "damaged-cells.yaml").read_text()
    case, _ = load_strict_yaml(text, name="case")
    assert "HP:0410379" in text
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("HP:0410379", "HP:0410380"))
    differences = list(case_differences(profile, wrong))
    assert differences == ["/hub/0/phenotypic_features/0/type/codings/0/code is 'HP:0410379', expected is 'HP:0410380'"]
    assert case["title"]


@pytest.mark.parametrize("profile", profile_ids())
def test_every_profile_has_a_page(profile: str) -> None:
    page = (load_profile(profile).folder / "README.md").read_text()
    assert "not carried" in page
