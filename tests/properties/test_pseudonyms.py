"""Pseudonyms: stable across processes, keyed, one domain a site and class, framed, short, nothing of the source in them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harmonize.pseudonyms import PseudonymKey, key_from_secret
from tests.properties.effort import examples
from tests.properties.texts import any_text

SECRETS = st.binary(min_size=32, max_size=32)
NAMES = any_text(40)
PARTS = st.tuples(NAMES, NAMES, NAMES)
# (first byte of the key, site, class, identifier) -> pseudonym. These never change: other sites hold them.
GOLDEN = (
    (0, "site-1", "subject", "50012001", "5ab50da8aa7e92bdca9ea1dcaddd115295f988e2"),
    (0, "site-1", "sample", "50012001", "c2f6382cbe55b22b5f2028d3fc28134259c74b7a"),
    (0, "site-2", "subject", "50012001", "8ebf4972cf401326dd98744909f3c61d8f3f02e7"),
    (1, "site-1", "subject", "50012001", "e1a3ff4127298765ff17e118524e86683ed5ac74"),
    (0, "site-1", "subject", "", "888db552249f5c4f838fffe07b927001cf1d75fb"),
    (0, "", "", "", "2e15b9874b59d8424a640080acdc2a592f9df5e1"),
    (0, "Zürich", "subject", "Ä-١٧ 𝄞", "b96da12ee7ce5508f0ef17db830ba172c45bbf42"),
    (
        0,
        "site-1",
        "a class with a name of more than sixteen bytes",
        "50012001",
        "cb84e8c3558d8cbf7103aea62f359a46a51f9d8a",
    ),
)


def key_of(first: int) -> PseudonymKey:
    """A key of 256 bits by its first byte."""
    return key_from_secret(bytes([first]) + bytes(31))


@pytest.mark.parametrize(("first", "site", "kind", "source", "expected"), GOLDEN)
def test_golden_vectors(first: int, site: str, kind: str, source: str, expected: str) -> None:
    assert key_of(first).pseudonym(site, kind, source) == expected


def reference(secret: bytes, site: str, kind: str, source: str) -> str:
    """The construction, written a second time: keyed BLAKE2b over length-framed parts, the class as `person` too."""
    person = hashlib.blake2b(kind.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    state = hashlib.blake2b(key=secret, digest_size=20, person=person)
    for part in (site, kind, source):
        raw = part.encode("utf-8", "surrogatepass")
        state.update(len(raw).to_bytes(4, "big") + raw)
    return state.hexdigest()


@examples(1000)
@given(secret=SECRETS, parts=PARTS)
def test_stable_short_plain_and_as_documented(secret: bytes, parts: tuple[str, str, str]) -> None:
    made = key_from_secret(secret).pseudonym(*parts)
    assert made == key_from_secret(bytes(secret)).pseudonym(*parts) == reference(secret, *parts)
    assert len(made) == 40 <= 64 and set(made) <= set("0123456789abcdef"), "an id of FHIR, and of nothing else"
    assert len(parts[2]) < 8 or parts[2] not in made


@examples(300)
@given(secret=SECRETS, bit=st.integers(0, 255), parts=PARTS)
def test_one_bit_of_the_key_gives_another_pseudonym(secret: bytes, bit: int, parts: tuple[str, str, str]) -> None:
    other = (int.from_bytes(secret, "big") ^ (1 << bit)).to_bytes(32, "big")
    key, turned = key_from_secret(secret), key_from_secret(other)
    assert key.pseudonym(*parts) != turned.pseudonym(*parts)
    assert key.key_id != turned.key_id and secret.hex() not in repr(key)


@examples(1000)
@given(first=PARTS, second=PARTS)
@example(first=("a", "bc", "d"), second=("ab", "c", "d"))
@example(first=("s", "a", "bc"), second=("s", "ab", "c"))
@example(first=("s", "", "x"), second=("s", "x", ""))
@example(first=("", "s", "x"), second=("s", "", "x"))
@example(first=("s", "k", "1"), second=("s", "k", "01"))
@example(first=("s", "k", "1"), second=("s", "k", "1\0"))
@example(first=("s", "k" * 16 + "a", "1"), second=("s", "k" * 16 + "b", "1"))
@example(first=("s", "k", "é"), second=("s", "k", "e\u0301"))
def test_no_two_triples_share_a_pseudonym(first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    assume(first != second)
    key = key_of(0)
    assert key.pseudonym(*first) != key.pseudonym(*second)


@examples(400)
@given(text=any_text(20).filter(bool), data=st.data())
def test_the_borders_of_the_parts_count(text: str, data: st.DataObject) -> None:
    """One text cut into site, class and identifier at any two places: every cut has a pseudonym of its own."""
    places = st.integers(0, len(text))
    cuts = {tuple(sorted(data.draw(st.tuples(places, places)))) for _ in range(6)}
    made = {key_of(0).pseudonym(text[:start], text[start:end], text[end:]) for start, end in cuts}
    assert len(made) == len(cuts)


@examples(100)
@given(sources=st.lists(NAMES, unique=True, min_size=2, max_size=20), data=st.data())
def test_no_pseudonym_hangs_on_what_was_asked_before(sources: list[str], data: st.DataObject) -> None:
    alone = {source: key_of(7).pseudonym("s", "subject", source) for source in sources}
    turned = data.draw(st.permutations(sources))
    for source in turned:
        key_of(7).pseudonym("s", data.draw(NAMES), source)
        assert key_of(7).pseudonym("s", "subject", source) == alone[source]
    assert len(set(alone.values())) == len(sources)


def test_no_collision_among_many() -> None:
    key = key_from_secret(bytes(range(32)))
    assert len({key.pseudonym("site", "subject", str(number)) for number in range(200_000)}) == 200_000


IN_ANOTHER_PROCESS = """
import json, sys
from harmonize.pseudonyms import key_from_secret
golden = json.loads(sys.stdin.buffer.read())
made = [key_from_secret(bytes([f]) + bytes(31)).pseudonym(*parts) for f, *parts in golden]
sys.stdout.write(json.dumps(made))
"""


@pytest.mark.parametrize("seed", ["0", "1", "4294967295"])
def test_golden_vectors_in_another_process(seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    given_parts = json.dumps([row[:4] for row in GOLDEN]).encode()
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS], input=given_parts, capture_output=True, env=environment
    )
    assert json.loads(done.stdout) == [row[4] for row in GOLDEN], done.stderr.decode()
