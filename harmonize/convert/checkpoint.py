"""The checkpoint of a run, from which another one goes on if it is called alike.

A checkpoint holds counts, pseudonyms and places, never a value of a patient. It is JSON: a node may look into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harmonize.errors import CallError

_WHAT = {
    "harmonize": "version of harmonize",
    "hub": "version of the hub",
    "profile": "profile",
    "targets": "--to",
    "site": "--site",
    "consent": "--consent",
    "key": "--pseudonym-key",
    "values": "--include-values",
    "limit": "--limit",
    "terminologies": "terminologies",
    "code_maps": "code maps",
    "input": "input",
}


def require_same_call(checkpoint: Mapping[str, Any], call: Mapping[str, Any]) -> None:
    """Raise CallError where *call* is not the one that the checkpoint was made by: the bytes would not be those of one run."""
    differ = [what for name, what in _WHAT.items() if checkpoint["call"].get(name) != call[name]]
    if differ:
        raise CallError(
            f"the interrupted run was another one: {', '.join(differ)} differ. To mend it: call it as it was called then, "
            "or convert without --resume"
        )
