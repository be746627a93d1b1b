"""What a check is told beside the record, and what it gives: a rule that the record breaks, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from harmonize.hub.objects import HubObject
from harmonize.terminology.store import Terminologies


class Violation(NamedTuple):
    """A rule that a record breaks: where in the hub record (JSON Pointer), and which slot of which object."""

    rule: str
    path: str
    message: str
    at: HubObject | None = None
    slot: str | None = None


class Circumstances(NamedTuple):
    """What records are judged by: the terminologies, and the last day that a date may have (ISO 8601; empty: not known)."""

    terminologies: Terminologies
    recorded: str = ""


Check = Callable[[HubObject, Circumstances], Iterable[Violation]]
