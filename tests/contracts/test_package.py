"""The package as others meet it: the names, the weight of an import, the wheel in a clean environment, generated files."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import harmonize

ROOT = Path(__file__).parents[2]
PUBLIC = [
    "CallError", "Converter", "Finding", "HarmonizeError", "InputError", "Outcome", "Profile", "ResultBatch", "RunOptions", "RunOutcome", "Settings",
    "Severity", "SpecificationError", "Subject", "convert_files", "documents_reader", "findings_reader", "load_profile", "result_batches",
]  # fmt: skip
HEAVY = {
    "fhir",
    "linkml_runtime",
    "linkml",
    "rdflib",
    "pronto",
    "pandas",
    "pydantic",
    "duckdb",
    "polars",
    "pyarrow",
    "lark",
    "ucumvert",
    "jsonschema_rs",
}


def test_public_names() -> None:
    assert harmonize.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(harmonize, name) is not None
    with pytest.raises(AttributeError):
        _ = harmonize.nothing


def imported(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join({{m.partition('.')[0] for m in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_harmonize_loads_nothing_heavy() -> None:
    assert not imported("import harmonize") & HEAVY
    assert not imported("import harmonize.cli.main") & HEAVY


def test_converting_loads_nothing_that_is_for_people() -> None:
    statement = (
        "from harmonize import Converter; "
        "c = Converter('eu/ern-cde', targets=['hub', 'fhir-r4', 'phenopackets'], key=bytes(32)); list(c.convert([{'pid': '1'}]))"
    )
    assert not imported(statement) & (HEAVY - {"jsonschema_rs"})


@pytest.mark.parametrize(
    ("script", "files"),
    [
        ("generate_hub.py", ["hub/generated/hub.schema.json", "hub/generated/models.py", "hub/generated/slots.json"]),
        ("generate_phenopackets_schema.py", ["checks/phenopackets.schema.json"]),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_generated_files_are_in_step(script: str, files: list[str], tmp_path: Path) -> None:
    before = {name: (ROOT / "harmonize" / name).read_bytes() for name in files}
    module = runpy.run_path(str(ROOT / "scripts" / script))
    if "generate" in module:
        made = module["generate"]()
        for name in files:
            assert made[Path(name).name].encode() == before[name], f"{name}: run `make generate`"
    else:
        target = tmp_path / "made.json"
        module["main"].__globals__["TARGET"] = target
        module["main"]()
        assert target.read_bytes() == before[files[0]], f"{files[0]}: run `make generate`"


def test_generated_models_read_a_record() -> None:
    from harmonize.hub.generated.models import Subject

    Subject.model_validate(
        {"schema_version": "0.1.0", "subject_id": "x", "birth_date": {"value": "1985", "precision": "year"}}
    )


def test_no_big_file_among_the_mappings() -> None:
    assert [p for p in (ROOT / "mappings").rglob("*") if p.is_file() and p.stat().st_size > 1_000_000] == []


def test_no_country_stands_in_python() -> None:
    for path in (ROOT / "harmonize").rglob("*.py"):
        if path.parent.name == "generated":  # cites its sources
            continue
        text = path.read_text().casefold()
        for name in ("germany", "deutschland", "france", "finland", "obds", "rarelink_", "snomedct_"):
            assert name not in text, (path, name)


def test_the_wheel_converts_in_a_clean_environment(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("needs uv beside the interpreter, as `make setup` installs it")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "HARMONIZE", "VIRTUAL_ENV"))}
    environment["HARMONIZE_TERMINOLOGIES"] = str(tmp_path / "none")

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", ROOT)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "clean")
    python = tmp_path / "clean" / "bin" / "python"
    run(uv, "pip", "install", "--quiet", "--python", python, wheel)
    command = tmp_path / "clean" / "bin" / "harmonize"
    run(command, "key", "new", "key")
    run(command, "demo", "--subjects", "20", "--out", "in")
    run(
        command,
        "convert",
        "in",
        "--profile",
        "eu/ern-cde",
        "--to",
        "hub,fhir-r4,phenopackets",
        "--out",
        "out",
        "--pseudonym-key",
        "key",
    )
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["status"] == "complete" and manifest["counts"]["subjects"]["read"] == 20
    run(command, "validate", "out", "--as", "fhir-r4")
    assert "eu/ern-cde" in {known["id"] for known in json.loads(run(command, "profiles", "list", "--json"))}
    assert str(ROOT) not in run(command, "doctor")
