"""Nothing escapes the expression language: every text of expressions.tsv is refused and none is executed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.convert import make_environment
from harmonize.errors import SpecificationError
from harmonize.profiles.coded_values import Environment
from harmonize.profiles.compiler import compile_profile
from harmonize.profiles.expressions import MAX_DEPTH, Call, Constant, parse_expression
from harmonize.profiles.expressions import Path as SlotPath
from harmonize.profiles.functions import FUNCTIONS
from harmonize.profiles.loading import load_profile
from harmonize.profiles.specification import Profile
from tests.hostile.profiles import compile_of, copy_profile, watching
from tests.registry import KEY

DATA = Path(__file__).with_name("expressions.tsv")
PLACE = 'first_contact_date: {expr: "date(first_visit.value)"'


class Case(NamedTuple):
    line: int
    stage: str
    text: str


def cases(stage: str) -> Iterator[Case]:
    """The cases of the data file that *stage* must refuse."""
    for number, line in enumerate(DATA.read_text("utf-8").splitlines(), start=1):
        if line and not line.startswith("#"):
            found, _, text = line.partition("\t")
            if found == stage:
                yield Case(number, found, json.loads(text))


BOMBS: dict[str, Callable[[], str]] = {
    "nested brackets": lambda: "(" * 900 + "pid" + ")" * 900,
    "nested calls": lambda: "date(" * 300 + "pid" + ")" * 300,
    "one call too deep": lambda: "first(" * (MAX_DEPTH + 1) + "pid" + ")" * (MAX_DEPTH + 1),
    "nested lists": lambda: "[" * 900 + "]" * 900,
    "minus signs": lambda: "-" * 1_900 + "1",
    "nots": lambda: "not " * 400 + "pid",
    "lambdas": lambda: "lambda:" * 250 + "pid",
    "conditionals": lambda: "pid if pid else " * 100 + "pid",
    "powers": lambda: "9**" * 600 + "9",
    "additions": lambda: "1+" * 900 + "1",
    "attributes": lambda: "pid" + ".a" * 900,
    "dunder attributes": lambda: "pid" + ".__class__" * 150,
    "calls of calls": lambda: "pid" + "()" * 900,
    "subscripts": lambda: "pid" + "[0]" * 600,
    "comparisons": lambda: "pid<" * 400 + "pid",
    "long text": lambda: "'" + "x" * 5_000 + "'",
    "long name": lambda: "x" * 100_000,
    "long whitespace inside": lambda: "date(" + " " * 10_000 + "pid)",
    "huge number": lambda: "9" * 10_000,
    "huge number within the limit": lambda: "9" * 1_999,
    "huge hexadecimal number": lambda: "0x" + "f" * 1_990,
    "f-strings in f-strings": lambda: "f'{" * 100 + "pid" + "}'" * 100,
    "NUL bytes": lambda: "\0" * 1_000,
    "ten megabytes": lambda: "date(pid) " * 1_000_000,
}


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A profile whose map holds the given expression."""
    folder = copy_profile(tmp_path_factory.mktemp("poisoned"))
    map_file = folder / "map.yaml"
    original = map_file.read_text("utf-8")
    assert PLACE in original, "the test itself is out of step"

    def write(text: str) -> Path:
        body = original.replace(PLACE, f"first_contact_date: {{expr: {json.dumps(text)}", 1)
        map_file.write_text(body, "utf-8")
        return folder

    return write


@cache
def _sound() -> tuple[Profile, Environment]:
    profile = load_profile("eu/ern-cde")
    return profile, make_environment(profile, KEY, "test")


def compile_with(expression: Call) -> None:
    """Compile the profile with *expression* in the first slot, without reading all files for every case."""
    profile, environment = _sound()
    root = profile.derivations[0]
    slots = [replace(slot, expression=expression) if slot.slot == "first_contact_date" else slot for slot in root.slots]
    assert tuple(slots) != root.slots
    compile_profile(
        replace(profile, derivations=(replace(root, slots=tuple(slots)), *profile.derivations[1:])), environment
    )


@pytest.mark.parametrize("case", cases("parse"), ids=lambda case: f"line {case.line}")
def test_the_parser_refuses(case: Case, tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"
    with watching() as watch, pytest.raises(SpecificationError) as error:
        parse_expression(case.text.replace("{SENTINEL}", str(sentinel)), file="map.yaml", line=7)
    assert "map.yaml:7" in str(error.value) and "To mend it" in str(error.value)
    assert not sentinel.exists() and not watch.opened and not watch.forbidden


@pytest.mark.parametrize("case", cases("compile"), ids=lambda case: f"line {case.line}")
def test_the_compiler_refuses(case: Case, tmp_path: Path, poisoned: Callable[[str], Path]) -> None:
    sentinel = tmp_path / "sentinel"
    text = case.text.replace("{SENTINEL}", str(sentinel))
    expression = parse_expression(text)  # what the parser refuses belongs into the other half of the file
    with watching() as watch, pytest.raises(SpecificationError) as error:
        if isinstance(expression, Call):
            compile_with(expression)
        else:
            compile_of(poisoned(text))
    assert "map.yaml:" in str(error.value), "the message names file and line"
    assert not sentinel.exists() and sentinel not in watch.opened and not watch.forbidden


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_bombs_cost_nothing(bomb: Callable[[], str], poisoned: Callable[[str], Path]) -> None:
    text = bomb()
    started = time.process_time()
    try:
        parse_expression(text)
    except SpecificationError:
        refused = True
    else:
        refused = False
    assert time.process_time() - started < 1.0
    if not refused:
        with pytest.raises(SpecificationError):
            compile_of(poisoned(text))


def test_the_corpus_is_large() -> None:
    assert len(list(cases("parse"))) >= 150 and len(list(cases("compile"))) >= 80


def test_parts_of_a_path_are_not_mixed_up_with_underscores(poisoned: Callable[[str], Path]) -> None:
    """The paths a.b and a_b of one class were one local variable of the generated function."""
    folder = poisoned("first(date(first_visit.value), date(first_visit_value))")
    source = folder / "source.yaml"
    original = source.read_text("utf-8")
    addition = "    attributes:\n      first_visit_value:\n        description: A trap.\n      pid:"
    source.write_text(original.replace("    attributes:\n      pid:", addition, 1), "utf-8")
    engine = compile_of(folder)
    source.write_text(original, "utf-8")
    reads = [line for line in engine.plan.source.splitlines() if "get('first_visit" in line]
    names = {line.split(" = ")[0].strip() for line in reads}
    assert len(reads) == 2 and len(names) == 2, engine.plan.source


PIECES = st.sampled_from(
    [
        "pid",
        "date",
        "(",
        ")",
        ",",
        ".",
        "'",
        '"',
        "__class__",
        "lambda",
        ":",
        "[",
        "]",
        "{",
        "}",
        "*",
        "f'",
        " ",
        "if",
        "1",
        "0x",
        "e",
        "+",
        "-",
        "=",
        ":=",
        "\n",
        "\x00",
        "é",
        "ｐ",
        "await",
        "for",
        "in",
        "None",
        "b'",
        "\\",
        "#",
        "@",
        ";",
    ]
)


@settings(max_examples=1_500, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_whatever_is_accepted_is_one_of_three_things(text: str) -> None:
    """A grammar fuzz: an accepted text is built of constants, plain paths and calls, and nothing else."""
    try:
        expression = parse_expression(text)
    except SpecificationError:
        return
    pending = [expression]
    while pending:
        node = pending.pop()
        if isinstance(node, Call):
            assert node.function.isascii() and node.function.isidentifier()
            pending += node.arguments
        elif isinstance(node, SlotPath):
            assert all(name.isascii() and name.isidentifier() and name[0] != "_" for name in node.names)
        else:
            assert isinstance(node, Constant) and type(node.value) in (str, int)


def test_the_library_holds_no_name_of_python() -> None:
    """No function of the library is called like a builtin, so that nobody takes the language for Python."""
    import builtins

    assert not set(FUNCTIONS) & {name for name in dir(builtins) if callable(getattr(builtins, name))}
