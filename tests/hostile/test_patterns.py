"""Evil regular expressions: refused where the profile is loaded, or as quick as RE2 is, whatever the text."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.errors import SpecificationError
from harmonize.profiles.loading import load_profile
from harmonize.shipped import mappings_folder
from harmonize.terminology import notation
from harmonize.terminology.patterns import MAX_LENGTH, MAX_TEXT, compile_pattern, fits
from tests.hostile.profiles import copy_profile
from tests.registry import KEY, make_registry

DATA = Path(__file__).with_name("patterns.jsonl")
PATTERNS: list[str] = [json.loads(line) for line in DATA.read_text("utf-8").splitlines() if line[0] == '"']
BOMBS = {
    "long": "a" * (MAX_LENGTH + 1),
    "a megabyte": "(a+)+" * 200_000,
    "many alternatives": "|".join(f"a{number}" for number in range(100_000)),
    "deep": "(" * 400 + "a" + ")" * 400 + "+",
    "deep repetition": "(" * 300 + "a" + ")*" * 300,
    "classes": r"\pL" * 300,
    "repeated classes": r"(\pL{0,90}\pN?){10}",
}
TEXTS = {
    "same letters": "a" * 100_000,
    "all but the last": "a" * 99_999 + "!",
    "two letters": "ab" * 50_000,
    "one letter of two": "a" * 50_000 + "b" * 50_000,
    "digits": "0123456789" * 10_000,
    "words": "abc " * 25_000,
    "not ASCII": "é" * 100_000,
    "astral": "\U0001f600" * 100_000,
    "line breaks": "a\n" * 50_000,
    "NUL": "\0" * 100_000,
}
MILLISECONDS = 500.0
"""The worst pattern takes 100 on a text as long as texts may be; one that backtracks would take years."""
SLACK = 3
"""The machine is shared: the best of some tries counts."""


def compiled(pattern: str) -> object | None:
    """The pattern, or None where it is refused."""
    try:
        return compile_pattern(pattern)
    except ValueError:
        return None


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A profile with the given subject_pattern."""
    folder = copy_profile(tmp_path_factory.mktemp("patterns"))
    card = folder / "profile.yaml"
    original = card.read_text("utf-8")

    def write(pattern: str) -> Path:
        addition = f"  subject: pid\n  subject_pattern: {json.dumps(pattern)}"
        card.write_text(original.replace("  subject: pid", addition, 1), "utf-8")
        return folder

    return write


@pytest.mark.parametrize("pattern", [*PATTERNS, *BOMBS.values()], ids=[*PATTERNS, *BOMBS])
def test_patterns_are_refused_or_quick(pattern: str, capfd: pytest.CaptureFixture[str]) -> None:
    started = time.process_time()
    made = compiled(pattern)
    assert (time.process_time() - started) < 1.0
    if made is None:
        with pytest.raises(ValueError, match=r"it (is no RE2 pattern|has more than)"):
            compile_pattern(pattern)
    else:
        for name, text in TEXTS.items():
            for length in (MAX_TEXT, 100_000):
                best = min(_milliseconds(made, text[:length]) for _ in range(SLACK))
                assert best <= MILLISECONDS, (name, length, best)
    assert pattern[:20] not in capfd.readouterr().err, "RE2 itself writes what it refuses to stderr"


def _milliseconds(made: object, text: str) -> float:
    started = time.process_time()
    fits(made, text)
    return (time.process_time() - started) * 1_000


REFUSED = [pattern for pattern in PATTERNS if compiled(pattern) is None]


@pytest.mark.parametrize("pattern", [*REFUSED, BOMBS["long"], BOMBS["repeated classes"]], ids=lambda p: p[:30])
def test_a_profile_with_such_a_pattern_does_not_load(pattern: str, poisoned: Callable[[str], Path]) -> None:
    with pytest.raises(SpecificationError) as error:
        load_profile(str(poisoned(pattern)))
    assert error.value.line is not None and "assemble.subject_pattern is refused" in str(error.value)
    assert "profile.yaml:" in str(error.value) and "To mend it" in str(error.value)


def test_a_subject_with_a_very_long_identifier_is_rejected(poisoned: Callable[[str], Path], tmp_path: Path) -> None:
    registry = make_registry(tmp_path / "in", subjects=8)
    registry.change("Sex", lambda rows: [row.update(pid="a" * 100_000) for row in rows[:1]] and None)

    settings = Settings(str(poisoned("(a|DEMO|-|[0-9])+")), ("hub",), KEY)
    outcome = convert_files(settings, RunOptions((registry.folder,), tmp_path / "out", max_errors="100%"))
    assert outcome.manifest["counts"]["subjects"]["rejected"] == 1


@pytest.mark.parametrize("pattern", REFUSED, ids=lambda p: p[:30])
def test_a_code_system_with_such_a_pattern_does_not_load(pattern: str, tmp_path: Path) -> None:
    path = tmp_path / "HP.yaml"
    shutil.copy(mappings_folder() / "systems" / "HP.yaml", path)
    text = path.read_text("utf-8").replace("'HP_([0-9]{7})'", json.dumps(pattern))
    path.write_text(text, "utf-8")
    with pytest.raises(SpecificationError, match=r"HP\.yaml: the pattern .* is refused"):
        notation._load(path)


@pytest.mark.parametrize("pattern", ["HP_[0-9]{7}", "HP_([0-9]{3})([0-9]{4})"])
def test_a_spelling_says_which_part_is_the_code(pattern: str, tmp_path: Path) -> None:
    path = tmp_path / "HP.yaml"
    text = (mappings_folder() / "systems" / "HP.yaml").read_text("utf-8")
    path.write_text(text.replace("HP_([0-9]{7})", pattern, 1), "utf-8")
    with pytest.raises(SpecificationError, match="groups"):
        notation._load(path)


def test_codes_of_any_length_are_judged_quickly(tmp_path: Path) -> None:
    """A cell with a code may be as long as a cell can be."""
    systems = notation.load_systems()
    started = time.process_time()
    for text in TEXTS.values():
        for system in systems:
            assert isinstance(systems.parse(text, system), notation.NotACode)
    assert (time.process_time() - started) < 1.0


def test_the_corpus_is_large() -> None:
    assert len(PATTERNS) + len(BOMBS) >= 50 and len(REFUSED) >= 25
