"""Writers: hub record -> target documents. What they share, and the table of them.

A writer knows a target and no country. What its target cannot hold goes through one door, `TargetLog.unsupported`,
which makes a finding. Members of this package do not import one another.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson

from harmonize.errors import NotAvailableError, UnknownNameError
from harmonize.findings import Outcome
from harmonize.hub.objects import HubObject
from harmonize.profiles.memos import Memo
from harmonize.profiles.notes import Feed
from harmonize.pseudonyms import PseudonymKey
from harmonize.terminology.notation import Systems


class Support(NamedTuple):
    """What a target does with a hub slot by declaration: carried, coarsened or dropped, and why."""

    outcome: Outcome
    reason: str = ""


CARRIES = Support(Outcome.CARRIED)


def coarsens(reason: str) -> Support:
    """The target holds the value with less precision or structure."""
    return Support(Outcome.COARSENED, reason)


def drops(reason: str) -> Support:
    """The target has no place for the value."""
    return Support(Outcome.DROPPED, reason)


def support_of(declaration: Mapping[str, Support], feed: Feed) -> Support:
    """What a target does with the values of *feed*: what stands inside of a slot that is dropped is dropped with it."""
    for holder in feed.holders:
        if declaration[holder].outcome is Outcome.DROPPED:
            return declaration[holder]
    return declaration[f"{feed.hub_class}.{feed.slot}"]


@dataclass(frozen=True)
class WriterContext:
    """What is the same for all records of a run. Picklable; `recorded` is the only clock that documents may show."""

    site: str
    recorded: str
    profile_id: str
    profile_version: str
    key: PseudonymKey
    systems: Systems
    editions: Mapping[str, str]
    software_version: str
    filled: frozenset[str] | None = None
    """`Class.slot` of the hub that the profile can fill; None where that is not known."""

    def identifier(self, kind: str, content: str) -> str:
        """A deterministic id for a target document: a keyed hash of the site, *kind* and *content*."""
        return self.key.pseudonym(self.site, kind, content)


def identifiers_of(context: WriterContext, prefix: str = "") -> Mapping[str, Callable[[str], str]]:
    """Kind -> `WriterContext.identifier` of *prefix* and that kind: there are few kinds, and millions of ids."""

    def of_kind(kind: str) -> Callable[[str], str]:
        return context.key.of_class(context.site, f"{prefix}{kind}")

    return Memo(of_kind, ())


def kept(value: Any) -> orjson.Fragment:
    """*value* as JSON that is kept for other records.

    `orjson.dumps` hands out a kilobyte, whatever stands in it; a text takes what it needs.
    """
    return orjson.Fragment(orjson.dumps(value).decode())


class Loss(NamedTuple):
    """A value that a target could not hold as it is."""

    hub_object: HubObject
    slot: str
    outcome: Outcome
    path: str
    message: str


@dataclass(slots=True)
class TargetLog:
    """What a writer says while it writes one record."""

    target: str
    losses: list[Loss] = field(default_factory=list)
    defaulted: dict[str, int] = field(default_factory=dict)
    trace: list[tuple[str, HubObject]] | None = None

    def unsupported(
        self, hub_object: HubObject, slot: str, path: str, message: str, outcome: Outcome = Outcome.DROPPED
    ) -> None:
        """Say that *slot* of *hub_object* is not in the target, or is there with less than it held.

        *path* is the JSON Pointer of the place in the target document, *message* the reason without any value.
        """
        self.losses.append(Loss(hub_object, slot, outcome, path, message))

    def default(self, element: str, number: int = 1) -> None:
        """Count elements that the target demands and no source states."""
        self.defaulted[element] = self.defaulted.get(element, 0) + number

    def made(self, path: str, hub_object: HubObject) -> None:
        """Note for `harmonize trace` that *hub_object* made the element at *path*."""
        if self.trace is not None:
            self.trace.append((path, hub_object))


class Document(NamedTuple):
    """One line of the file `<target>/<stem>.ndjson`: JSON without a line break, and the id it goes by."""

    stem: str
    document_id: str
    line: bytes


Parts = Callable[[str], Sequence[Path]]
"""The files of a stem that were just written, one for each shard."""


class Writer(Protocol):
    """A target."""

    target: str
    declaration: Mapping[str, Support]
    """For every `Class.slot` of the hub what the target does with it."""
    defaults: Mapping[str, str]
    """The closed list of elements that the target demands and no source states, with the value given."""

    def documents(self, record: HubObject, log: TargetLog) -> list[Document]:
        """The documents of one subject."""
        ...

    def close(self, subjects: int, parts: Parts) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Files that a run has once: stem and the pieces of its lines. *parts* gives the files just written, by stem."""
        ...


class _Entry(NamedTuple):
    path: str


WRITERS: Mapping[str, _Entry] = {
    "hub": _Entry("harmonize.writers.hub:writer"),
    "fhir-r4": _Entry("harmonize.writers.fhir.r4:writer"),
    "phenopackets": _Entry("harmonize.writers.phenopackets.v2:writer"),
}
PLANNED_TARGETS = ("fhir-r5", "beacon", "omop", "rdf")


def load_writer(name: str, context: WriterContext) -> Writer:
    """The writer of target *name*. Raises NotAvailableError for a target of the contract that is not there yet.

    >>> load_writer("beacon", None)
    Traceback (most recent call last):
    harmonize.errors.NotAvailableError: the target 'beacon' is not available in this version of harmonize. ...
    """
    entry = WRITERS.get(name)
    if entry is None:
        if name in PLANNED_TARGETS:
            raise NotAvailableError(f"the target {name!r}", f"Targets that are: {', '.join(WRITERS)}")
        raise UnknownNameError("target", name, WRITERS)
    module, function = entry.path.split(":")
    make: Callable[[WriterContext], Any] = getattr(importlib.import_module(module), function)
    writer: Writer = make(context)
    return writer
