"""Records graded by data sets, as a person with the source at hand would grade them.

A file of `datasets/` holds a base record and what is changed in it case by case. `petals` of the file are asked for where a
case names none; without any, a record shows its own. Tags keep it short: `!code NCIT:C14225` is
a coded value with this code, `!date 2019-05` a date as precise as it is written, `!flavor UNK` a NullFlavor.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from harmonize.checks.conformance import conformance
from harmonize.datasets.specification import load_dataset
from harmonize.errors import UnknownNameError

FOLDER = Path(__file__).parent / "datasets"
NOTE = "dataset.not-checked"
"""What it says depends on the terminologies that are installed."""


class _Loader(yaml.SafeLoader):
    """Plain YAML and the three tags."""


def _code(loader: yaml.SafeLoader, node: Any) -> dict[str, Any]:
    code = loader.construct_scalar(node)
    return {"codings": [{"system": str(code).partition(":")[0], "code": code, "origin": "stated"}]}


def _date(loader: yaml.SafeLoader, node: Any) -> dict[str, Any]:
    value = str(loader.construct_scalar(node))
    return {"value": value, "precision": {4: "year", 7: "month", 10: "day"}[len(value)]}


def _flavor(loader: yaml.SafeLoader, node: Any) -> dict[str, Any]:
    return {"null_flavor": loader.construct_scalar(node)}


for _tag, _constructor in (("!code", _code), ("!date", _date), ("!flavor", _flavor)):
    _Loader.add_constructor(_tag, _constructor)

FILES: dict[str, dict[str, Any]] = {
    path.stem: yaml.load(path.read_text(encoding="utf-8"), _Loader) for path in sorted(FOLDER.glob("*.yaml"))
}
CASES = [
    pytest.param(stem, case, id=f"{stem}: {case['title']}") for stem, file in FILES.items() for case in file["cases"]
]
_KEYS = {"title", "as", "changes", "petals", "level", "expected", "findings", "error", "why", "xfail"}


def _changed(record: dict[str, Any], pointer: str, value: Any) -> None:
    """Set *pointer* of *record* to *value*; None takes it away. The index behind the last one of a list appends."""
    holder: Any = record
    *way, last = pointer.removeprefix("/").split("/")
    for step in way:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    if isinstance(holder, list):
        holder[int(last) : int(last) + 1] = [] if value is None else [value]
    elif value is None:
        del holder[last]
    else:
        holder[last] = value


def _record(stem: str, case: dict[str, Any]) -> dict[str, Any]:
    record = copy.deepcopy(FILES[stem]["base"])
    for pointer, value in case.get("changes", {}).items():
        _changed(record, pointer, copy.deepcopy(value))
    made: dict[str, Any] = record
    return made


@pytest.mark.parametrize(("stem", "case"), CASES)
def test_case(stem: str, case: dict[str, Any], tmp_path: Path) -> None:
    path, words = tmp_path / "records.ndjson", tmp_path / "words.ndjson"
    path.write_bytes(orjson.dumps(_record(stem, case)) + b"\n")
    options = {
        "level": case.get("level", "mandatory"),
        "petals": case.get("petals", FILES[stem].get("petals")),
        "records_file": words,
    }
    name = case.get("as", FILES[stem]["dataset"])
    if "error" in case:
        with pytest.raises(UnknownNameError, match=case["error"]):
            conformance(path, name, **options)
        return
    result = conformance(path, name, **options)
    graded = orjson.loads(words.read_bytes())["items"]
    expected = sorted([f["rule"], f["path"], f.get("item", "")] for f in case.get("findings", []))
    _compared(case, "words", {item: graded.get(item) for item in case.get("expected", {})}, case.get("expected", {}))
    found = [f for f in result.findings if f.rule != NOTE]
    assert result.conforms is (not found)
    _compared(case, "findings", sorted([f.rule, f.path or "", f.item or ""] for f in found), expected)
    if "xfail" in case:
        pytest.xfail(json.dumps(case["xfail"]))


def _compared(case: dict[str, Any], part: str, found: Any, expected: Any) -> None:
    """They are equal, or differ where the case says that the program is known to be wrong in this part."""
    if part in case.get("xfail", {}):
        assert found != expected, f"{part} are as expected now: take xfail away"
    else:
        assert found == expected


@pytest.mark.parametrize("stem", FILES)
def test_a_file_says_what_and_why(stem: str) -> None:
    file = FILES[stem]
    assert set(file) - {"petals"} == {"dataset", "base", "cases"}
    items = {item.id for item in load_dataset(file["dataset"]).items}
    assert len(file["cases"]) >= 10
    assert any(not case.get("changes") and not case.get("findings") and "error" not in case for case in file["cases"])
    for case in file["cases"]:
        assert set(case) <= _KEYS, case["title"]
        assert set(case.get("xfail", {})) <= {"words", "findings"}, case["title"]
        assert case["why"].strip() and case["title"]
        assert set(case.get("expected", {})) <= items, case["title"]
