"""The checkpoint of a run, from which another one goes on if it is called alike; and whether a finished run was called alike.

A checkpoint holds counts, pseudonyms and places, never a value of a patient. It is JSON: a node may look into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harmonize.errors import CallError
from harmonize.input.files import sha256

_WORDS = {
    "harmonize": "version of harmonize",
    "hub": "version of the hub",
    "profile": "profile",
    "targets": "--to",
    "site": "--site",
    "consent": "--consent",
    "key_id": "--pseudonym-key",
    "limit": "--limit",
    "terminologies": "terminologies",
    "code_maps": "code maps",
    "values": "--include-values",
    "input": "input",
    "xsd": "--xsd",
}
"""What tells a call from another one, and how it is called where they differ."""
_IN_NO_MANIFEST = ("values", "input", "xsd")


def require_same_call(checkpoint: Mapping[str, Any], call: Mapping[str, Any]) -> None:
    """Raise CallError where *call* is not the one that the checkpoint was made by: the bytes would not be those of one run."""
    differ = [word for name, word in _WORDS.items() if checkpoint["call"].get(name) != call.get(name)]
    if differ:
        raise CallError(
            f"the interrupted run was another one, it differs in: {', '.join(differ)}. To mend it: call it as it was called then, "
            "or convert without --resume"
        )


def require_same_run(manifest: Mapping[str, Any], call: Mapping[str, Any], inputs: Sequence[Path]) -> None:
    """Raise CallError where the finished run of *manifest* is not the one that is asked for: its results are no answer to the call.

    *call* has the fields of a manifest; of *inputs* those are compared that the run read, by their contents.
    """
    differ = [
        word for name, word in _WORDS.items() if name not in _IN_NO_MANIFEST and manifest.get(name) != call.get(name)
    ]
    paths = {path.name: path for path in inputs}
    read = {known["file"]: known["sha256"] for known in manifest["inputs"]}
    if any(name not in paths or sha256(paths[name]) != digest for name, digest in read.items()):
        differ.append("input")
    if differ:
        raise CallError(
            f"the finished run is another one, it differs in: {', '.join(differ)}. To mend it: convert without --resume, or into "
            "another --out"
        )
