"""Keyed pseudonyms: the only form in which an identifier leaves.

keyed BLAKE2b with 160 bits over (site, class, source key), written as 40 hexadecimal digits; the class also is the
`person` parameter, so that classes are separate domains. Without the key nobody can try out all numbers of a country.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from harmonize.errors import CallError
from harmonize.extensions import extension

_DIGEST_BYTES = 20


class PseudonymKey(NamedTuple):
    """A key of 256 bits and its short public id, which the manifest shows."""

    secret: bytes
    key_id: str

    def __repr__(self) -> str:
        return f"PseudonymKey(key_id={self.key_id!r})"

    def pseudonym(self, site: str, kind: str, source_key: str) -> str:
        """The pseudonym of *source_key*, an identifier of class *kind* at *site*: 40 hexadecimal digits.

        >>> key = key_from_secret(bytes(32))
        >>> key.pseudonym("site-1", "subject", "50012001")
        '5ab50da8aa7e92bdca9ea1dcaddd115295f988e2'
        >>> key.pseudonym("site-1", "sample", "50012001") == key.pseudonym("site-1", "subject", "50012001")
        False
        """
        return self.of_class(site, kind)(source_key)

    def of_class(self, site: str, kind: str) -> Callable[[str], str]:
        """What gives the pseudonyms of identifiers of class *kind* at *site*.

        >>> key_from_secret(bytes(32)).of_class("site-1", "subject")("50012001")
        '5ab50da8aa7e92bdca9ea1dcaddd115295f988e2'
        """
        started = _started(self.secret, site, kind)
        compiled = extension("harmonize.keyed_hashes")
        if compiled is not None:
            hashes: Callable[[str], str] = compiled.KeyedHashes(started).of
            return hashes

        def pseudonym(source_key: str) -> str:
            hashed = started.copy()
            hashed.update(_framed(source_key))
            return hashed.hexdigest()

        return pseudonym


def _framed(text: str) -> bytes:
    """*text* after its length, so that no two parts run into each other."""
    raw = text.encode("utf-8", "surrogatepass")
    return len(raw).to_bytes(4, "big") + raw


@lru_cache(maxsize=64)
def _started(secret: bytes, site: str, kind: str) -> hashlib.blake2b:
    """The hash as far as it is the same for all identifiers of a class; a run hashes hundreds of them for each subject."""
    person = hashlib.blake2b(kind.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    framed = _framed(site) + _framed(kind)
    return hashlib.blake2b(framed, digest_size=_DIGEST_BYTES, key=secret, person=person)


def key_from_secret(secret: bytes) -> PseudonymKey:
    """The key of 32 secret bytes. Raises CallError for another length."""
    if len(secret) != 32:
        raise CallError("the pseudonym key does not hold 256 bits. To mend it: make one with `harmonize key new FILE`")
    return PseudonymKey(secret, hashlib.blake2b(secret, digest_size=4, person=b"harmonize-key-id").hexdigest())


def new_key(path: Path) -> PseudonymKey:
    """Write a new random key to *path* (64 hexadecimal digits, mode 0600) and return it. Never overwrites a file."""
    secret = secrets.token_bytes(32)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CallError(
            f"{path} exists already. To mend it: choose a new file; a lost key cannot be made again"
        ) from None
    except OSError as error:
        raise CallError(f"cannot write {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret.hex() + "\n")
    return key_from_secret(secret)


def read_key(path: Path) -> PseudonymKey:
    """Read a key file. Raises CallError where it is missing, open to others, or no key."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise CallError(
            f"cannot read the pseudonym key {path}. To mend it: check the path; only a node that never had a key makes one, "
            "with `harmonize key new FILE`: another key gives all subjects other pseudonyms"
        ) from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise CallError(f"the pseudonym key {path} can be read by others. To mend it: chmod 600 {path}")
    try:
        return key_from_secret(bytes.fromhex(text))
    except ValueError:
        raise CallError(f"{path} is no pseudonym key. To mend it: make one with `harmonize key new FILE`") from None
