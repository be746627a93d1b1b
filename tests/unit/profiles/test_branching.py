"""Branching logic: conditions mean what REDCap says, and what is beyond them is not judged, never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.profiles.branching import MAX_DEPTH, MAX_LENGTH, parse_condition
from tests.properties.effort import examples

FIELDS = {"sex": "1", "age": "42", "coding": "OMIM", "signs___hp_0001250": "1", "empty": "", "half": "0.50"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("[sex] = '1'", True),
        ('[sex]="2"', False),
        ("[sex] = 1", True),
        ("[coding] = 'omim'", True),
        ("[signs(HP:0001250)] = '1'", True),
        ("[signs(HP:0000365)] = '1'", False),
        ("[signs(HP:0000365)] = '0'", True),
        ("[empty] = ''", True),
        ("[absent] = ''", True),
        ("[absent] <> ''", False),
        ("[age] > 9", True),
        ("[age] >= '42' AND [age] <= 42", True),
        ("[empty] < 5", False),
        ("[half] < .5", None),
        ("[half] < 0.51", True),
        ("[sex] = '2' or [sex] = '1' and [age] < 3", False),
        ("([sex] = '2' or [sex] = '1') and [age] > 3", True),
        ("[sex] != '2' And (([age] > -1))", True),
        ("'1' = [sex]", True),
        ("", None),
        ("[sex]", None),
        ("[sex] = ", None),
        ("[sex] = '1' and", None),
        ("[sex] = '1' [age] = '2'", None),
        ("([sex] = '1'", None),
        ("[sex] = '1')", None),
        ("[event_1][sex] = '1'", None),
        ("[sex] = '1' xor [age] = 2", None),
        ("not [sex] = '1'", None),
        ("[sex] = \"1'", None),
        ("if([sex] = '1', 1, 0) = 1", None),
        ("[user-name] = 'x'", None),
        ("__import__('os') = '1'", None),
        ("(" * (MAX_DEPTH + 2) + "[sex] = '1'" + ")" * (MAX_DEPTH + 2), None),
        ("[sex] = '1'" + " or [sex] = '1'" * (MAX_LENGTH // 10), None),
    ],
)
def test_conditions(text: str, holds: bool | None) -> None:
    condition = parse_condition(text)
    assert (condition.holds(lambda name: FIELDS.get(name, "")) if condition else None) is holds


LEAVES = st.tuples(st.sampled_from(["[sex] = '1'", "[sex] = '2'", "[age] > 3", "[age]<=3"])).map(
    lambda leaf: (leaf[0],)
)
TREES = st.recursive(LEAVES, lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner), max_leaves=8)


def text_of(tree: tuple[object, ...]) -> str:
    """*tree* as REDCap writes it, with parentheses round everything that has parts."""
    return str(tree[0]) if len(tree) == 1 else f"({text_of(tree[0])} {tree[1]} {text_of(tree[2])})"  # type: ignore[arg-type]


def truth(tree: tuple[object, ...]) -> bool:
    """Whether *tree* holds for FIELDS."""
    if len(tree) == 1:
        return tree[0] in ("[sex] = '1'", "[age] > 3")
    left, right = truth(tree[0]), truth(tree[2])  # type: ignore[arg-type]
    return (left and right) if tree[1] == "and" else (left or right)


@examples(100)
@given(tree=TREES)
def test_parentheses_and_words_bind_as_written(tree: tuple[object, ...]) -> None:
    condition = parse_condition(text_of(tree))
    assert condition is not None and condition.holds(lambda name: FIELDS.get(name, "")) is truth(tree)


@examples(200)
@given(text=st.text(alphabet="[]()'\"=<>! andorsex12._-", max_size=40))
def test_any_text_is_a_condition_or_is_not_judged(text: str) -> None:
    condition = parse_condition(text)
    assert condition is None or condition.holds(lambda name: FIELDS.get(name, "")) in (True, False)
