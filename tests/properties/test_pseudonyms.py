"""Pseudonyms: stable, keyed, never the same for two persons, at most 64 characters, nothing of the source in them."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from harmonize.pseudonyms import key_from_secret

SECRETS = st.binary(min_size=32, max_size=32)
NAMES = st.text(min_size=1, max_size=40)


@given(secret=SECRETS, site=NAMES, kind=NAMES, source=NAMES)
def test_stable_short_and_plain(secret: bytes, site: str, kind: str, source: str) -> None:
    made = key_from_secret(secret).pseudonym(site, kind, source)
    assert made == key_from_secret(secret).pseudonym(site, kind, source)
    assert len(made) <= 64 and made.isalnum() and made.isascii()


@given(secret=SECRETS, other=SECRETS, source=NAMES)
def test_another_key_another_pseudonym(secret: bytes, other: bytes, source: str) -> None:
    assume(secret != other)
    assert key_from_secret(secret).pseudonym("s", "subject", source) != key_from_secret(other).pseudonym(
        "s", "subject", source
    )


@given(first=st.tuples(NAMES, NAMES, NAMES), second=st.tuples(NAMES, NAMES, NAMES))
def test_site_class_and_source_cannot_run_into_each_other(
    first: tuple[str, str, str], second: tuple[str, str, str]
) -> None:
    assume(first != second)
    key = key_from_secret(bytes(32))
    assert key.pseudonym(*first) != key.pseudonym(*second)


def test_no_collision_among_many() -> None:
    key = key_from_secret(bytes(range(32)))
    assert len({key.pseudonym("site", "subject", str(number)) for number in range(200_000)}) == 200_000
