"""`harmonize terminology pull`: a code system or code map from its official address, then the same way as a file of one's own.

What can be pulled is data: `ontologies/sources.yaml`. Nothing is compiled whose digest is not the one of that file, or of the call where an
address moves with every release. In place of the network a mirror folder serves, for machines that have none.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harmonize.errors import CallError, InputError, SpecificationError, UnknownNameError
from harmonize.shipped import ontologies_folder
from harmonize.terminology.add import add_code_system
from harmonize.terminology.code_map_files import add_set
from harmonize.terminology.compiling import Order
from harmonize.terminology.fetch import Fetching, fetch
from harmonize.terminology.strict_yaml import load_strict_yaml

_SHA256 = re.compile(r"[0-9a-f]{64}")
_KINDS = ("system", "code-map")
_KEYS = frozenset(
    ("title", "kind", "address", "sha256", "max_bytes", "system", "version", "format", "licence", "columns")
)
_BY_HAND = frozenset(("title", "why", "where"))


@dataclass(frozen=True)
class Origin:
    """Where a code system or code map comes from."""

    name: str
    title: str
    kind: str
    address: str
    licence: str
    sha256: str = ""
    max_bytes: int = 500_000_000
    options: Mapping[str, Any] | None = None
    """What `terminology add` is told: system, version, format, columns."""

    @property
    def file(self) -> str:
        """The name of the file, at the address and in a mirror."""
        return self.address.rpartition("/")[2]


@dataclass(frozen=True)
class ByHand:
    """What only a person may fetch, why, and where."""

    title: str
    why: str
    where: str


@dataclass(frozen=True)
class Pull:
    """What `harmonize terminology pull` was asked."""

    name: str
    sha256: str = ""
    version: str = ""
    mirror: Path | None = None
    proxy: str = ""
    manifest: Path | None = None


def load_sources(path: Path | None = None) -> tuple[dict[str, Origin], dict[str, ByHand]]:
    """What can be pulled, and what has to be fetched by hand. Raises SpecificationError.

    >>> "HP" in load_sources()[0], load_sources()[1]["ICD10GM"].title
    (True, 'ICD-10-GM')
    """
    path = path or ontologies_folder() / "sources.yaml"
    tree, lines = load_strict_yaml(path, name=path.name)
    if (
        not isinstance(tree, dict)
        or set(tree) - {"sources", "by_hand"}
        or not all(isinstance(tree.get(key, {}), dict) for key in ("sources", "by_hand"))
    ):
        raise SpecificationError("it holds more or other things than `sources` and `by_hand`", file=path.name)
    pulled, by_hand = {}, {}
    for kind, keys in (("sources", _KEYS), ("by_hand", _BY_HAND)):
        for name, entry in tree.get(kind, {}).items():
            if not isinstance(entry, dict) or set(entry) - keys:
                line = lines.get(f"/{kind}/{name}")
                raise SpecificationError(f"{name}: known are {', '.join(sorted(keys))}", file=path.name, line=line)
            try:
                if kind == "by_hand":
                    by_hand[name] = ByHand(**entry)
                else:
                    pulled[name] = _origin(name, entry)
            except (KeyError, TypeError, ValueError) as error:
                line = lines.get(f"/{kind}/{name}")
                raise SpecificationError(f"{name}: {error} is missing or wrong", file=path.name, line=line) from None
    return pulled, by_hand


def _origin(name: str, entry: Mapping[str, Any]) -> Origin:
    if entry["kind"] not in _KINDS:
        raise ValueError("kind")
    if entry.get("sha256") and not _SHA256.fullmatch(entry["sha256"]):
        raise ValueError("sha256")
    return Origin(
        name,
        entry["title"],
        entry["kind"],
        entry["address"],
        entry["licence"],
        entry.get("sha256", ""),
        int(entry.get("max_bytes", "500000000")),
        {key: entry[key] for key in ("system", "version", "format", "columns") if key in entry},
    )


def pull(asked: Pull, into: Path, how: Fetching | None = None) -> dict[str, Any]:
    """Fetch what is asked, check it, and compile it into the folder *into*. The answer of `terminology add` or `mappings add`.

    Raises CallError, UnknownNameError for what cannot be pulled, InputError for what could not be had or is not what it should be.
    """
    origin = _wanted(asked)
    sha256 = _digest_of(asked, origin)
    folder = into / ".pulling" / origin.name
    if asked.mirror is not None:
        file = _of_mirror(asked.mirror, origin, sha256)
    else:
        try:
            into.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CallError(f"cannot write into {into}: {error.strerror}. To mend it: give another --into") from None
        limits = replace(how or Fetching(), proxy=asked.proxy, max_bytes=origin.max_bytes)
        file = fetch(origin.address, folder / origin.file, sha256, limits)
    answer = _compile(file, origin, asked.version, into)
    shutil.rmtree(folder, ignore_errors=True)
    return {**answer, "address": origin.address, "sha256": sha256, "licence": origin.licence}


def _wanted(asked: Pull) -> Origin:
    pulled, by_hand = load_sources(asked.manifest)
    if asked.name in by_hand:
        refused = by_hand[asked.name]
        raise CallError(
            f"{refused.title} is not fetched by a program: {refused.why}. To mend it: get it at {refused.where}; then "
            "`harmonize terminology add FILE`"
        )
    if asked.name not in pulled:
        raise UnknownNameError("source", asked.name, {*pulled, *by_hand})
    return pulled[asked.name]


def _digest_of(asked: Pull, origin: Origin) -> str:
    stated = asked.sha256.strip().lower()
    if stated and not _SHA256.fullmatch(stated):
        raise CallError("--sha256 is no SHA-256. To mend it: write 64 digits from 0 to 9 and a to f")
    if origin.sha256 and stated not in ("", origin.sha256):
        raise CallError(
            f"{origin.name} has the SHA-256 {origin.sha256} and --sha256 says another. To mend it: leave it out"
        )
    if not origin.sha256 and not stated:
        raise CallError(
            f"no digest of {origin.name} is known, and nothing unchecked is compiled: {origin.address}. To mend it: give --sha256 as the "
            "publisher states it, or of a file that you have looked at"
        )
    return origin.sha256 or stated


def _of_mirror(mirror: Path, origin: Origin, sha256: str) -> Path:
    if not mirror.is_dir():
        raise CallError(f"the mirror {mirror} is no folder")
    file = mirror / origin.file
    if not file.is_file():
        raise InputError(f"the mirror has no {origin.file}", fix=f"fetch {origin.address} elsewhere and put it there")
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        raise InputError(f"its SHA-256 is {found}, not {sha256}", file=file.name, fix="fetch it anew")
    return file


def _compile(file: Path, origin: Origin, version: str, into: Path) -> dict[str, Any]:
    if origin.kind == "code-map":
        return add_set(file, origin.name.lower(), into / "code-maps")
    options = dict(origin.options or {})
    if version:
        options["version"] = version
    return add_code_system(Order(str(file), licence=origin.licence, **options), into)
