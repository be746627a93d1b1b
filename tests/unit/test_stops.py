"""A run that is stopped, however it is, leaves nothing that looks finished, and goes on to the bytes of one that was not."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import time
from pathlib import Path

import orjson
import pytest

from harmonize.errors import CallError
from harmonize.output_folder import CHECKPOINT, OutputFolder
from tests.stops import (
    ERN,
    LATER,
    OMOP,
    SOURCES,
    assert_nothing_looks_finished,
    command,
    contents,
    finish,
    key_file,
    start,
)

SUBJECTS = 600


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the sources and for what the uninterrupted runs wrote."""
    return tmp_path_factory.mktemp("stops")


def whole_run(place: Path, name: str) -> tuple[list[str], dict[str, bytes]]:
    """The call on a source, but for its --out, and the files of a run that nobody stopped."""
    profile, write = SOURCES[name]
    folder = place / name.replace(" ", "_").replace(",", "")
    source, out = folder / "in", folder / "out"
    if not folder.exists():
        folder.mkdir()
        source = write(source, SUBJECTS)
        (folder / "source").write_text(str(source))
        code, said = finish(command(profile, source, out, key_file(place)))
        assert code == 0, said
    source = Path((folder / "source").read_text())
    return command(profile, source, Path("OUT"), key_file(place)), contents(out)


def into(call: list[str], out: Path, *more: str) -> list[str]:
    """*call* with its --out."""
    return [str(out) if word == "OUT" else word for word in call] + list(more)


@pytest.mark.parametrize("name", SOURCES)
def test_killed_and_resumed(place: Path, tmp_path: Path, name: str) -> None:
    call, whole = whole_run(place, name)
    jobs = ("--jobs", "2") if name in ("OMOP CSV", "REDCap CSV") else ()
    chance = random.Random(name)
    out = tmp_path / "out"
    for clock in ("1767225600", LATER):
        process = start(into(call, out, *jobs, *(("--resume",) if clock == LATER else ())), clock)
        deadline = time.monotonic() + 60
        while not (out / CHECKPOINT).exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert_nothing_looks_finished(out, whole)
    code, said = finish(into(call, out, *jobs, "--resume"), LATER)
    assert code == 0, said
    assert contents(out) == whole


def test_a_finished_run_has_nothing_to_resume(place: Path, tmp_path: Path) -> None:
    call, whole = whole_run(place, "ERN CSV")
    assert finish(into(call, tmp_path / "out"))[0] == 0
    assert finish(into(call, tmp_path / "out", "--resume"), LATER)[0] == 0
    assert contents(tmp_path / "out") == whole


def test_a_finished_run_of_other_input_is_no_answer(place: Path, tmp_path: Path) -> None:
    """A job that always says --resume must not take the run of last night for its own."""
    call, whole = whole_run(place, "ERN CSV")
    other = tmp_path / "in"
    shutil.copytree(call[call.index("convert") + 1], other)
    assert finish(into(call, tmp_path / "out"))[0] == 0
    file = sorted(other.glob("*.csv"))[0]
    file.write_text(file.read_text("utf-8") + file.read_text("utf-8").splitlines()[-1] + "\n", "utf-8")
    changed = [str(other) if word == call[call.index("convert") + 1] else word for word in call]
    others = ((changed, "input"), ([*call, "--site", "another"], "--site"), ([*call, "--limit", "3"], "--limit"),
              ([word.replace("hub,fhir-r4", "fhir-r4") for word in call], "--to"))  # fmt: skip
    for again, what in others:
        code, said = finish(into(again, tmp_path / "out", "--resume"), LATER)
        assert code == 2 and "the finished run is another one" in said and what in said
    assert contents(tmp_path / "out") == whole


def test_interrupted_while_files_get_their_names(place: Path, tmp_path: Path) -> None:
    """The moment between the first and the last renaming, made by hand from a folder of a run that was killed."""
    call, whole = whole_run(place, "ERN CSV")
    out = tmp_path / "out"
    process = start(into(call, out))
    while not list(out.rglob("Patient.ndjson.0000.part")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    checkpoint = orjson.loads((out / CHECKPOINT).read_bytes())
    part = next(out.rglob("subjects.ndjson.0000.part"))
    part.rename(out / "hub" / "subjects.ndjson")
    (out / "fhir-r4").mkdir(exist_ok=True)
    (out / "fhir-r4" / "Group.ndjson").write_text("{}\n")
    checkpoint["renamed"] = ["hub/subjects.ndjson", "fhir-r4/Group.ndjson", "report.json"]
    (out / CHECKPOINT).write_bytes(orjson.dumps(checkpoint))
    assert finish(into(call, out, "--resume"), LATER)[0] == 0
    assert contents(out) == whole


def test_another_call_does_not_go_on(place: Path, tmp_path: Path) -> None:
    call, _ = whole_run(place, "ERN CSV")
    out = tmp_path / "out"
    process = start(into(call, out))
    while not (out / CHECKPOINT).exists() and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, said = finish(into(call, out, "--resume", "--site", "elsewhere"))
    assert code == 2 and "--site" in said and "without --resume" in said
    assert finish(into(call, out))[0] == 0  # without --resume the interrupted run is cleared away


@pytest.mark.parametrize("name", ["../precious", "/etc/passwd"])
def test_a_checkpoint_of_others_touches_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "precious").write_text("x")
    (tmp_path / "out" / "private").mkdir(parents=True)
    state = {"files": [[name, None, 0, 0]], "renamed": [name], "batches": 0, "call": {}}
    (tmp_path / "out" / CHECKPOINT).write_bytes(orjson.dumps(state))
    with pytest.raises(CallError, match="no checkpoint"), OutputFolder(tmp_path / "out") as folder:
        folder.checkpoint()
    assert (tmp_path / "precious").read_text() == "x"


def test_a_worker_that_is_killed_is_said(place: Path, tmp_path: Path) -> None:
    call, whole = whole_run(place, "OMOP CSV")
    out = tmp_path / "out"
    process = start(into(call, out, "--jobs", "2"))
    workers: list[int] = []
    while not workers and process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        busy = [int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]
        workers = busy if (out / CHECKPOINT).exists() else []
        time.sleep(0.01)
    os.kill(workers[0], signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 4 and "a worker process was killed" in said and "--resume" in said
    assert finish(into(call, out, "--resume"), LATER)[0] == 0
    assert contents(out) == whole


@pytest.mark.parametrize("milliseconds", [0, 40, 150])
def test_a_worker_that_is_killed_while_it_starts_is_said(place: Path, tmp_path: Path, milliseconds: int) -> None:
    """The pool is still starting the others then: they must not be waited for."""
    call, _ = whole_run(place, "OMOP CSV")
    process = start(into(call, tmp_path / "out", "--jobs", "2"))
    workers: list[int] = []
    while not workers and process.poll() is None:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            workers = [int(c) for c in children if "spawn_main" in Path(f"/proc/{c}/cmdline").read_text()]
    time.sleep(milliseconds / 1000)
    os.kill(workers[0], signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 4 and "a worker process was killed" in said


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_asked_to_end_ends_as_an_interrupted_one(
    place: Path, tmp_path: Path, sign: signal.Signals
) -> None:
    call, whole = whole_run(place, "OMOP CSV")
    out = tmp_path / "out"
    before = signal.signal(sign, signal.SIG_DFL)  # where the tests run under nohup, the run would ignore it as well
    process = start(into(call, out, "--jobs", "2"))
    signal.signal(sign, before)
    while not (out / CHECKPOINT).exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(sign)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "--resume" in said
    assert not (out / "private" / "work").exists()
    assert finish(into(call, out, "--resume"), LATER)[0] == 0
    assert contents(out) == whole


def test_no_worker_outlives_a_main_process_that_is_killed(place: Path, tmp_path: Path) -> None:
    call, _ = whole_run(place, "OMOP CSV")
    out = tmp_path / "out"
    process = start(into(call, out, "--jobs", "2"))
    workers: list[int] = []
    while len(workers) < 2 and process.poll() is None:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            workers = [int(c) for c in children if "spawn_main" in Path(f"/proc/{c}/cmdline").read_text()]
    time.sleep(1)
    process.kill()
    process.communicate()
    ends = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < ends:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


@pytest.mark.parametrize("megabytes", [350, 420])
def test_too_little_memory_is_said(place: Path, tmp_path: Path, megabytes: int) -> None:
    call, whole = whole_run(place, "OMOP CSV")
    out = tmp_path / "out"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    code, said = finish(into(call, out), before=limit)
    assert code in (0, 4), said
    if code:
        assert_nothing_looks_finished(out, whole)
        assert not (out / "manifest.json").exists()
    assert finish(into(call, out, "--resume"), LATER)[0] == 0
    assert contents(out)["hub/subjects.ndjson"] == whole["hub/subjects.ndjson"]


@pytest.mark.parametrize("kilobytes", [1, 40, 300, 900])
def test_a_full_disk_is_said(place: Path, tmp_path: Path, kilobytes: int) -> None:
    """Files that cannot grow past a limit: what a full disk does, at another write site for each limit."""
    call, whole = whole_run(place, "OMOP CSV")
    out = tmp_path / "out"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes << 10, kilobytes << 10))

    code, said = finish(into(call, out), before=limit)
    assert code == 4 and "To mend it" in said, said
    assert_nothing_looks_finished(out, whole)
    assert not (out / "manifest.json").exists()
    code, said = finish(into(call, out, "--resume"), "1767225600")
    assert code == 0 and contents(out) == whole, said


def test_a_place_that_cannot_be_written_is_refused(place: Path) -> None:
    call, _ = whole_run(place, "ERN CSV")
    code, said = finish(into(call, Path("/proc/harmonize")))
    assert code == 2 and "cannot write into" in said


def test_input_that_grows_is_said(place: Path, tmp_path: Path) -> None:
    from harmonize.profiles.loading import load_profile
    from harmonize.synthesis.tables import write_tables

    write_tables(load_profile(ERN), 400, 5, tmp_path / "in")
    call = command(ERN, tmp_path / "in", tmp_path / "out", key_file(place))
    process = start(call)
    while not (tmp_path / "out" / CHECKPOINT).exists() and process.poll() is None:
        time.sleep(0.005)
    with (tmp_path / "in" / "Sex.csv").open("a") as file:
        file.write("Sex,late,,,,,,,,,,,,,,,,,,\n")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 3 and "partly read" in said
    findings = (tmp_path / "out" / "private" / "findings.ndjson").read_text()
    assert '"source.changed"' in findings
    assert orjson.loads((tmp_path / "out" / "manifest.json").read_bytes())["status"] == "partial"


@pytest.mark.parametrize("profile", [OMOP])
def test_shards(profile: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same lines in several files, the same number of subjects in each."""
    from harmonize.convert import RunOptions, Settings, convert_files, run
    from tests.registry import KEY, RECORDED

    source = Path((place / "OMOP_CSV" / "source").read_text()) if (place / "OMOP_CSV").exists() else None
    if source is None:
        whole_run(place, "OMOP CSV")
        source = Path((place / "OMOP_CSV" / "source").read_text())
    settings = Settings(profile, ("hub", "fhir-r4"), KEY, "s", "record", RECORDED)
    convert_files(settings, RunOptions((source,), tmp_path / "one", max_errors="100%"))
    monkeypatch.setattr(run, "SHARD_SUBJECTS", run.BATCH_SUBJECTS)
    convert_files(settings, RunOptions((source,), tmp_path / "many", max_errors="100%"))
    shards = sorted((tmp_path / "many" / "hub").iterdir())
    assert [path.name for path in shards] == [f"subjects.{n:04}.ndjson" for n in range(len(shards))] and len(shards) > 2
    assert {len(path.read_bytes().splitlines()) for path in shards[:-1]} == {run.BATCH_SUBJECTS}
    assert b"".join(path.read_bytes() for path in shards) == (tmp_path / "one" / "hub" / "subjects.ndjson").read_bytes()
    group = (tmp_path / "many" / "fhir-r4" / "Group.ndjson").read_bytes()
    assert group == (tmp_path / "one" / "fhir-r4" / "Group.ndjson").read_bytes()
