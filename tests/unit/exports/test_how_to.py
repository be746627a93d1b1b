"""docs/how-to/new-release-of-a-data-set.md does what it says."""

from __future__ import annotations

import re
from pathlib import Path

from harmonize.datasets.specification import Dataset, read_dataset
from harmonize.exports.demands import dataset_demands

PAGE = (Path(__file__).parents[3] / "docs/how-to/new-release-of-a-data-set.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def patched(text: str, diff: str) -> str:
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] in kinds) for kinds in (" -", " +"))
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def levels(dataset: Dataset, version: str) -> dict[str, str]:
    return {item.id: item.levels[version] for item in dataset.items_of(version)}


def test_a_new_release_is_a_small_diff(tmp_path: Path) -> None:
    (tmp_path / "register.yaml").write_text(block("yaml"), "utf-8")
    before = read_dataset(tmp_path / "register.yaml")
    (tmp_path / "register.yaml").write_text(patched(block("yaml"), block("diff")), "utf-8")
    after = read_dataset(tmp_path / "register.yaml")
    assert levels(before, "1.0") == levels(after, "1.0") == {"register:1": "mandatory", "register:2": "optional"}
    assert levels(after, "1.1") == {"register:1": "mandatory", "register:2": "recommended", "register:3": "conditional"}
    assert len(after.value_sets["sex"].values) == 3
    assert dataset_demands(after).notes == ()
