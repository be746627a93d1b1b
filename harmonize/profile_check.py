"""`harmonize profiles check`: does a profile compile, account for every slot, and keep its cases?

A case (`cases/*.yaml`) holds rows of tables, or whole XML documents (`documents: {NAME.xml: TEXT}`),
and what is expected of them: the hub record, the losses, the findings.
Pseudonyms stand as `(pseudonym)`; editions, rows and names of mapping sets are left out, so that a case outlives a release.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from harmonize.convert import RunOptions, Settings, convert_files, make_environment
from harmonize.errors import HarmonizeError, SpecificationError
from harmonize.profiles.assembly_check import check_assembly
from harmonize.profiles.compiler import compile_profile
from harmonize.profiles.lint import left_out_problems, slot_account
from harmonize.profiles.loading import load_profile
from harmonize.profiles.specification import Profile
from harmonize.profiles.specification_files import require_inside
from harmonize.pseudonyms import key_from_secret
from harmonize.safe_messages import safe_message
from harmonize.synthesis.files import write_subjects
from harmonize.terminology.strict_yaml import load_strict_yaml

_KEYS = frozenset({"title", "rows", "documents", "consent", "hub", "losses", "findings", "subjects"})
_VOLATILE = frozenset({"schema_version", "version", "mapping_set", "row"})
_PSEUDONYMS = frozenset(
    [
        "subject_id",
        "sample_id",
        "sequence_id",
        "related_samples",
        "individual_id",
        "paternal_id",
        "maternal_id",
        "family_id",
        "device_id",
    ]
)
_KEY = key_from_secret(bytes(32))


@dataclass
class ProfileCheck:
    """What the check found. The profile is good where nothing is unaccounted, no case failed and there is no problem."""

    profile: str
    mapped: int = 0
    left_out: int = 0
    unaccounted: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the profile may be used."""
        return not (self.unaccounted or self.failed or self.problems)

    def as_json(self) -> dict[str, Any]:
        """The answer of the contract."""
        return {
            "id": self.profile,
            "slots": {"mapped": self.mapped, "left_out": self.left_out, "unaccounted": len(self.unaccounted)},
            "cases": {"passed": len(self.passed), "failed": len(self.failed)},
            "problems": [*(f"not accounted for: {name}" for name in self.unaccounted), *self.failed, *self.problems],
        }


def check_profile(name: str) -> ProfileCheck:
    """Check the profile *name* (an id or a folder). Raises UnknownNameError where there is none."""
    check = ProfileCheck(name)
    try:
        profile = load_profile(name)
        check.profile = profile.id

        check.problems += check_assembly(profile)
        account = slot_account(profile, compile_profile(profile, make_environment(profile, _KEY, "check")))
    except SpecificationError as error:
        check.problems.append(str(error))
        return check
    check.mapped, check.left_out = len(account.mapped), len(account.left_out)
    check.unaccounted = list(account.unaccounted)
    check.problems += left_out_problems(profile)
    if not check.unaccounted and not check.problems:
        run_cases(profile, check)
    return check


def run_cases(profile: Profile, check: ProfileCheck) -> None:
    """Run every case of *profile* into *check*."""
    for file in sorted((profile.folder / "cases").glob("*.yaml")):
        try:
            require_inside(file, profile.folder)
            differences = list(case_differences(profile, file))
        except HarmonizeError as error:
            differences = [str(error)]
        except Exception as error:  # noqa: BLE001 - the boundary of a case: one that breaks us is a failed case
            differences = [safe_message(error)]
        if differences:
            check.failed += [f"cases/{file.name}: {difference}" for difference in differences]
        else:
            check.passed.append(file.name)


def case_differences(profile: Profile, file: Path) -> Iterator[str]:
    """Where the outcome of a case is not what it expects. Cases hold synthetic persons, so values may be shown."""
    case, lines = load_strict_yaml(file, name=file.name)
    for key in case:
        if key not in _KEYS:
            raise SpecificationError(
                f"{key!r} is not known",
                file=file.name,
                line=lines.get(f"/{key}"),
                fix=f"use {', '.join(sorted(_KEYS))}",
            )
    outcome = case_outcome(profile, case)
    for part in ("hub", "losses", "findings", "subjects"):
        if part in case:
            yield from _differences(f"/{part}", case[part], outcome[part])


def case_outcome(profile: Profile, case: Mapping[str, Any]) -> dict[str, Any]:
    """What the profile makes of the rows of *case*, in the form in which cases are written."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if "documents" in case:
            from harmonize.synthesis.xml_files import write_documents  # lxml is imported where it is used

            write_documents(case["documents"], folder / "in")
        else:
            _write_rows(profile, case["rows"], folder / "in")
        settings = Settings(str(profile.folder), ("hub",), _KEY, "case", case.get("consent", "require"))
        run = convert_files(settings, RunOptions((folder / "in",), folder / "out", max_errors="100%"))
        records = [
            orjson.loads(line) for line in (folder / "out" / "hub" / "subjects.ndjson").read_bytes().splitlines()
        ]
        findings = [
            orjson.loads(line) for line in (folder / "out" / "private" / "findings.ndjson").read_bytes().splitlines()
        ]
    by_design = {f"{f['source']['file']}/{f['source']['column']}" for f in findings if f["rule"] == "mapping.left-out"}
    losses = {}
    for column, counts in run.manifest["counts"]["values"]["hub"].items():
        lost = {name: str(number) for name, number in counts.items() if number and name not in ("read", "carried")}
        if lost and column not in by_design:
            losses[column] = lost
    return {
        "hub": [_stable(record) for record in records],
        "losses": losses,
        "findings": sorted(
            {
                _finding(f)
                for f in findings
                if f["severity"] in ("fatal", "error", "warning") and f["rule"] != "source.table-absent"
            }
        ),
        "subjects": {name: str(number) for name, number in run.manifest["counts"]["subjects"].items() if number},
    }


def _write_rows(profile: Profile, tables: Mapping[str, Any], folder: Path) -> None:
    """The rows of a case as files of the profile's reader; a column that a table names anywhere is there in all its rows."""
    known = {table.name for table in profile.assembly.tables}
    for name in tables:
        if name not in known:
            raise SpecificationError(f"a case has rows of {name!r}, which is no table of the profile")
    columns = {name: list(dict.fromkeys(column for row in rows for column in row)) for name, rows in tables.items()}
    write_subjects(profile, columns, [tables], folder)


def _finding(finding: Mapping[str, Any]) -> str:
    source = finding.get("source") or {}
    where = f"{source['file']}/{source['column']}" if source.get("column") else source.get("file", "record")
    return f"{finding['rule']} {where}"


def _stable(value: Any, name: str = "") -> Any:
    """The value in the form of a case: texts only, pseudonyms and what changes with a release replaced."""
    if isinstance(value, dict):
        return {key: _stable(item, key) for key, item in value.items() if key not in _VOLATILE}
    if isinstance(value, list):
        return [_stable(item, name) for item in value]
    if name in _PSEUDONYMS:
        return "(pseudonym)"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _differences(path: str, expected: Any, found: Any) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted(expected.keys() | found.keys()):
            if name not in found:
                yield f"{path}/{name} is expected and missing"
            elif name not in expected:
                yield f"{path}/{name} is there and not expected: {found[name]!r}"
            else:
                yield from _differences(f"{path}/{name}", expected[name], found[name])
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{path} has {len(found)} items, expected are {len(expected)}: {found!r}"
            return
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _differences(f"{path}/{index}", one, other)
    elif expected != found:
        yield f"{path} is {found!r}, expected is {expected!r}"


def describe_profile(name: str) -> dict[str, Any]:
    """What the profile *name* reads, maps and leaves out, as plain JSON. Raises UnknownNameError, SpecificationError."""
    profile = load_profile(name)
    plan = compile_profile(profile, make_environment(profile, _KEY, "show"))
    account = slot_account(profile, plan)
    mapped = [
        {"hub": f"{lineage.hub_class}.{slot}", "from": [f"{lineage.source_class}.{'.'.join(path)}" for path in paths]}
        for lineage in plan.lineages.values()
        for slot, paths in lineage.paths.items()
    ]
    return {
        "id": profile.id,
        "title": profile.title,
        "version": profile.version,
        "description": profile.description,
        "owner": profile.owner,
        "licence": profile.licence,
        "specification": dict(profile.specification),
        "reader": profile.assembly.reader,
        "tables": [
            {"name": t.name, "file": t.file, "expected": t.expected, "repeats": t.repeats}
            for t in profile.assembly.tables
        ],
        "mapped": mapped,
        "left_out": [{"slot": slot, "reason": reason} for slot, reason in account.left_out.items()],
        "unaccounted": list(account.unaccounted),
    }
