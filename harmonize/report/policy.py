"""What a node expects of its data: thresholds, and waivers of what is known. A TOML file of `[[thresholds]]` and `[[waivers]]`.

[[thresholds]]
rule = "terms.unknown"      # or family, item; with site it is about one site
warn = "0"                  # a number of findings, or of records with the item missing or invalid
fail = "1%"                 # a share of the records that were checked

[[waivers]]
rule = "target.phenopackets-resource"
reason = "the laboratory's own code system has no resource yet"
ticket = "NODE-17"
expires = 2027-01-31
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.checks.catalogue import FAMILIES, rule
from harmonize.errors import SpecificationError, UnknownNameError

_THRESHOLD_KEYS = frozenset({"rule", "family", "item", "site", "warn", "fail", "note"})
_WAIVER_KEYS = frozenset({"rule", "item", "site", "reason", "ticket", "expires"})
_MAX_BYTES = 1_000_000


class Limit(NamedTuple):
    """More than this is too much: a number, or a share of what was checked."""

    text: str
    number: int | None
    share: float | None

    def exceeded(self, number: int, of: int) -> bool:
        """Whether *number* of *of* is more.

        >>> limit("1%").exceeded(1, 100), limit("1%").exceeded(2, 100), limit("0").exceeded(1, 100)
        (False, True, True)
        """
        return number > self.share * of if self.share is not None else number > (self.number or 0)


def limit(text: Any) -> Limit:
    """`25` or `2.5%` as a limit. Raises ValueError for anything else."""
    written = str(text) if isinstance(text, str) or (isinstance(text, int) and not isinstance(text, bool)) else ""
    share = re.fullmatch(r"([0-9]{1,3}(?:[.][0-9]{1,6})?)%", written)
    if share is not None and float(share[1]) <= 100:
        return Limit(written, None, float(share[1]) / 100)
    if re.fullmatch(r"[0-9]{1,18}", written):
        return Limit(written, int(written), None)
    raise ValueError


@dataclass(frozen=True)
class Threshold:
    """How much of something is too much. One of rule, family and item is set."""

    rule: str = ""
    family: str = ""
    item: str = ""
    site: str = ""
    warn: Limit | None = None
    fail: Limit | None = None
    note: str = ""

    @property
    def subject(self) -> str:
        """What it is about, in words."""
        what = f"rule {self.rule}" if self.rule else f"family {self.family}" if self.family else f"item {self.item}"
        return f"{what} at {self.site}" if self.site else what


@dataclass(frozen=True)
class Waiver:
    """A problem that is known and may stand until a day."""

    reason: str
    expires: dt.date
    rule: str = ""
    item: str = ""
    site: str = ""
    ticket: str = ""

    def covers(self, *, rule: str = "", item: str = "", site: str = "") -> bool:
        """Whether it is about this rule or item, at this site."""
        return (self.rule, self.item) == (rule, item) and self.site in ("", site)


@dataclass(frozen=True)
class Policy:
    """All thresholds and waivers of a node."""

    thresholds: tuple[Threshold, ...] = ()
    waivers: tuple[Waiver, ...] = ()


def read_policy(path: Path) -> Policy:
    """The policy in the TOML file *path*. Raises SpecificationError with what is wrong and where."""
    name = path.name
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SpecificationError(f"larger than {_MAX_BYTES} bytes", file=name)
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecificationError(f"it cannot be read ({error.strerror})", file=name) from None
    except UnicodeDecodeError:
        raise SpecificationError("not UTF-8", file=name, fix="convert it to UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SpecificationError(f"no TOML: {error}", file=name) from None
    for key in tree:
        if key not in ("thresholds", "waivers"):
            raise SpecificationError(f"{key} is not known", file=name, fix="write [[thresholds]] and [[waivers]]")
    thresholds = tuple(_threshold(entry, place) for place, entry in _entries(tree, "thresholds", name))
    return Policy(thresholds, tuple(_waiver(entry, place) for place, entry in _entries(tree, "waivers", name)))


class _Place(NamedTuple):
    file: str
    name: str
    number: int

    def error(self, message: str, fix: str = "") -> SpecificationError:
        return SpecificationError(f"{self.name} {self.number}: {message}", file=self.file, fix=fix)


def _entries(tree: Mapping[str, Any], key: str, file: str) -> list[tuple[_Place, Mapping[str, Any]]]:
    entries = tree.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SpecificationError(f"{key} is no list of tables", file=file, fix=f"write [[{key}]]")
    return [(_Place(file, key, number), entry) for number, entry in enumerate(entries, start=1)]


def _known_keys(entry: Mapping[str, Any], allowed: frozenset[str], place: _Place) -> None:
    for key in sorted(entry.keys() - allowed):
        raise place.error(f"{key} is not known", f"known: {', '.join(sorted(allowed))}")


def _texts(entry: Mapping[str, Any], names: tuple[str, ...], place: _Place) -> dict[str, str]:
    found = {name: entry[name] for name in names if name in entry}
    for name, value in found.items():
        if not isinstance(value, str) or not value.strip():
            raise place.error(f"{name} is no text")
    if "rule" in found:
        try:
            rule(found["rule"])
        except UnknownNameError as error:
            raise place.error(str(error)) from None
    if "family" in found and found["family"] not in FAMILIES:
        raise place.error(f"there is no family {found['family']!r}", f"families: {', '.join(FAMILIES)}")
    return found


def _threshold(entry: Mapping[str, Any], place: _Place) -> Threshold:
    _known_keys(entry, _THRESHOLD_KEYS, place)
    texts = _texts(entry, ("rule", "family", "item", "site", "note"), place)
    if len(texts.keys() & {"rule", "family", "item"}) != 1:
        raise place.error("it is about no one thing", "give one of rule, family and item")
    limits = {}
    for name in ("warn", "fail"):
        if name in entry:
            try:
                limits[name] = limit(entry[name])
            except ValueError:
                raise place.error(
                    f"{name} is neither a number nor a share up to 100%", 'write "25" or "2.5%"'
                ) from None
    if not limits:
        raise place.error("it has no limit", "give warn, fail or both")
    return Threshold(**texts, **limits)  # type: ignore[arg-type]


def _waiver(entry: Mapping[str, Any], place: _Place) -> Waiver:
    _known_keys(entry, _WAIVER_KEYS, place)
    texts = _texts(entry, ("rule", "item", "site", "reason", "ticket"), place)
    if len(texts.keys() & {"rule", "item"}) != 1:
        raise place.error("it is about no one thing", "give a rule or an item")
    if "reason" not in texts:
        raise place.error("it has no reason", "say why the problem may stand")
    expires = entry.get("expires")
    if not isinstance(expires, dt.date) or isinstance(expires, dt.datetime):
        raise place.error("it has no day on which it ends", "write expires = 2027-01-31, without quotes")
    return Waiver(expires=expires, **texts)
