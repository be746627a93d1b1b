"""What a check gives: a rule that a record breaks, and where."""

from __future__ import annotations

from typing import NamedTuple

from harmonize.hub.objects import HubObject


class Violation(NamedTuple):
    """A rule that a record breaks: where in the hub record (JSON Pointer), and which slot of which object."""

    rule: str
    path: str
    message: str
    at: HubObject | None = None
    slot: str | None = None
