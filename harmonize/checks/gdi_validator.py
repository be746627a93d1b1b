"""The GDI data-validator contract: a job of files comes in, a verdict on each of them goes out.

Source: GenomicDataInfrastructure/validation-framework @ b10384c (2025-10-28), as an interface; schemas and text here are ours.
`config` is free in the contract. Ours: `profile`, a format or data set as of `harmonize validate --as` (`hmd` where nothing is said),
with `-core` behind a data set for its core without petals; `level` and `petals` for data sets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs

import harmonize
from harmonize.checks.conformance import Conformance, conformance, is_dataset
from harmonize.checks.documents import Validation, validate
from harmonize.checks.structure import structure_problems
from harmonize.errors import CallError, HarmonizeError, InputError, NotAvailableError
from harmonize.findings import Finding, Severity
from harmonize.safe_messages import safe_message

INPUT = Path("/mnt/input/input.json")
OUTPUT = Path("/mnt/output/result.json")
"""Where the contract has the job and the result, inside the container."""
DEFAULT_PROFILE = "hmd"
MESSAGES = 1_000
"""Findings that are written for a file, the worst first; how many there are is always said."""
MAX_JOB_BYTES = 16 * 1024 * 1024
ENDINGS = (".json", ".ndjson", ".json.gz", ".ndjson.gz")

_SCHEMA = Path(__file__).with_name("gdi_validator.schema.json")
_CORE = "-core"


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a `job`, a `result` or a `description` (draft 2020-12)."""
    whole: dict[str, Any] = json.loads(_SCHEMA.read_bytes())
    return {"$schema": whole["$schema"], "$defs": whole["$defs"], "$ref": f"#/$defs/{name}"}


def description() -> dict[str, Any]:
    """What the validator says of itself.

    >>> description()["mode"], description()["pathSpecification"][0]
    ('file', '**/*.json')
    """
    return {
        "validatorId": "harmonize",
        "name": "harmonize",
        "description": (
            "Judges records of the 1+MG hub, FHIR R4 resources and GA4GH Phenopackets: by the Harmonised Minimal Data model, or by the "
            "format or data set that config.profile names, at config.level, of config.petals"
        ),
        "version": harmonize.__version__,
        "mode": "file",
        "pathSpecification": [f"**/*{ending}" for ending in ENDINGS],
    }


class Answer(NamedTuple):
    """The result, the exit code of the command line that goes with it, and the files that the job names."""

    result: dict[str, Any]
    exit_code: int
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Job:
    """The paths of the files, and by what they are judged."""

    paths: tuple[str, ...]
    profile: str
    level: str
    petals: tuple[str, ...] | None


def run_job(job_file: Path, instant: str) -> Answer:
    """Judge the files of the job in *job_file*; *instant* is the time of all messages (RFC 3339). Raises nothing for what is in a job.

    Where there is no verdict on files at all the result is `failed`, without files and with one message that says why.
    """
    say = _Messages(instant)
    paths: tuple[str, ...] = ()
    try:
        job = _read(job_file)
        paths = job.paths
        judge = _judge(job)
        results = [_file_result(path, judge, say) for path in paths]
    except HarmonizeError as error:
        return Answer(_breakdown(say, str(error)), error.exit_code, paths)
    except Exception as error:  # noqa: BLE001 - the contract wants a breakdown in the result; no value may stand in it
        return Answer(_breakdown(say, f"internal error: {safe_message(error)}"), 4, paths)
    verdict = "passed" if all(file["result"] == "passed" for file, _ in results) else "failed"
    by_what = f"harmonize {harmonize.__version__}: judged as {job.profile}"
    result = {"result": verdict, "files": [file for file, _ in results], "messages": [say("info", by_what)]}
    return Answer(result, max(code for _, code in results), paths)


class _Messages:
    """Makes messages that bear one time."""

    def __init__(self, instant: str) -> None:
        self._instant = instant

    def __call__(self, level: str, message: str) -> dict[str, str]:
        return {"level": level, "time": self._instant, "message": message}


def _breakdown(say: _Messages, why: str) -> dict[str, Any]:
    return {"result": "failed", "files": [], "messages": [say("error", why)]}


def _read(job_file: Path) -> _Job:
    """The job. Raises InputError where it cannot be read, CallError where the contract does not have it so."""
    document = _document(job_file)
    problems = list(structure_problems(jsonschema_rs.validator_for(schema("job")), document))
    if isinstance(document, dict) and ("files" in document) == ("paths" in document):
        raise CallError("the job must have either `files` or `paths`. To mend it: give the one that is meant")
    if problems:
        first = problems[0]
        raise CallError(
            f"the job is not as the contract has it: {first.path or '/'}: {first.message}. To mend it: give `files`, a list of "
            "objects with `path`, and in `config` no more than `profile`, `level` and `petals`"
        )
    if "paths" in document:
        raise NotAvailableError(
            "a job of `paths` (mode file-structure)", "This validator is of mode `file`: give `files`"
        )
    config = document.get("config", {})
    petals = config.get("petals")
    if any("\0" in file["path"] for file in document["files"]):
        raise CallError("a path of the job holds a NUL. To mend it: give the paths of files")
    return _Job(
        tuple(file["path"] for file in document["files"]),
        config.get("profile", DEFAULT_PROFILE),
        config.get("level", "mandatory"),
        None if petals is None else tuple(petals),
    )


def _document(job_file: Path) -> Any:
    try:
        with job_file.open("rb") as file:
            text = file.read(MAX_JOB_BYTES + 1)
    except OSError as error:
        fix = "give the file of the job to --input"
        raise InputError(f"the job cannot be read ({error.strerror})", file=job_file.name, fix=fix) from None
    if len(text) > MAX_JOB_BYTES:
        fix = "name fewer files in a job"
        raise InputError(f"the job is longer than {MAX_JOB_BYTES} bytes", file=job_file.name, fix=fix)
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InputError(
            "the job is no JSON, or names a member twice", file=job_file.name, fix="write one JSON object"
        ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _no_constant(_: str) -> None:
    """NaN and Infinity are no JSON."""
    raise ValueError


_Judge = Callable[[Path], "_Verdict"]


class _Verdict(NamedTuple):
    """The judgement of one file: its findings, how many there are of each severity, and what is said of it as a whole."""

    passed: bool
    records: int
    findings: Sequence[Finding]
    number: int
    why: str


def _judge(job: _Job) -> _Judge:
    """What judges a file of *job*. Raises CallError for options that the profile does not have."""
    name, is_core = job.profile.removesuffix(_CORE), job.profile.endswith(_CORE)
    if is_dataset(name):
        if is_core and job.petals is not None:
            raise CallError(f"{job.profile} has no petals. To mend it: leave config.petals out, or give {name}")
        petals = () if is_core else job.petals
        return lambda path: _graded(conformance(path, name, level=job.level, petals=petals))
    if job.level != "mandatory" or job.petals is not None:
        raise CallError("config.level and config.petals are for data sets. To mend it: leave them out")
    return lambda path: _judged(validate(path, job.profile))


def _graded(found: Conformance) -> _Verdict:
    why = f"not all records hold {found.dataset.title} {found.version} at the level {found.level}"
    return _Verdict(
        found.conforms, found.records, found.findings, sum(found.counts.values()), "" if found.conforms else why
    )


def _judged(found: Validation) -> _Verdict:
    severities = found.by_severity()
    passed = not severities.get("error") and not severities.get("fatal")
    return _Verdict(passed, found.records, found.findings, sum(severities.values()), "")


def _file_result(path: str, judge: _Judge, say: _Messages) -> tuple[dict[str, Any], int]:
    """The verdict on one file, and its exit code. Raises HarmonizeError where no file can be judged so."""
    try:
        verdict = judge(_readable(path))
        if not verdict.records:
            raise InputError("there is no record in it", fix="give a file with records")
    except InputError as error:
        return {"path": path, "result": "failed", "messages": [say("error", str(error))]}, error.exit_code
    messages = list(_messages(verdict, say))
    return {"path": path, "result": "passed" if verdict.passed else "failed", "messages": messages}, int(
        not verdict.passed
    )


def _readable(path: str) -> Path:
    """*path* as a file that can be judged. Raises InputError where it is none."""
    if not path.endswith(ENDINGS):
        raise InputError("it is no file of this validator", fix=f"give files that end with {', '.join(ENDINGS)}")
    if not Path(path).is_file():
        raise InputError("there is no such file", fix="mount the data where the job says that they are")
    return Path(path)


_LEVELS = {
    Severity.FATAL: "error",
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
}
_WORST_FIRST = ("error", "warning", "info")


def _messages(verdict: _Verdict, say: _Messages) -> Iterator[dict[str, str]]:
    yield say("info", f"{verdict.records} records were read, {verdict.number} findings made")
    if verdict.why:
        yield say("error", verdict.why)
    ordered = sorted(verdict.findings, key=lambda finding: _WORST_FIRST.index(_LEVELS[finding.severity]))
    for finding in ordered[:MESSAGES]:
        yield say(_LEVELS[finding.severity], _sentence(finding))
    left = verdict.number - min(len(ordered), MESSAGES)
    if left > 0:
        yield say("warning", f"{left} more findings are not written here; `harmonize validate` counts them by rule")


def _sentence(finding: Finding) -> str:
    line = f"line {finding.cell.row}, " if finding.cell and finding.cell.row else ""
    return f"{line}{finding.path or '/'}: {finding.message} ({finding.rule})"
