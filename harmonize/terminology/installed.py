"""What is installed, as `terminology list` and `doctor` say it: edition, source, licence, tier. A damaged file hides no other."""

from __future__ import annotations

from typing import Any

from harmonize.errors import SpecificationError
from harmonize.shipped import ontologies_folder
from harmonize.terminology.build import load_manifest
from harmonize.terminology.store import CodeSystemStore, Terminologies, editions_in


def installed_systems(terminologies: Terminologies) -> tuple[list[dict[str, Any]], list[SpecificationError]]:
    """Every installed system, and what is wrong with the files that are none.

    `tier`: package (it ships), used (only the codes in use ship), user (added by the user, under a licence of theirs).
    """
    entries, wrong = [], []
    manifest = load_manifest()
    for system in sorted(terminologies.paths):
        try:
            store = terminologies.store(system)
        except SpecificationError as error:
            wrong.append(error)
            continue
        if store is not None:
            entries.append(_entry(store, manifest))
    return entries, wrong


def _entry(store: CodeSystemStore, manifest: dict[str, dict[str, str]]) -> dict[str, Any]:
    shipped = store.path.parent == ontologies_folder()
    editions = editions_in(store.path.parent)[store.system]
    return {
        "system": store.system,
        "version": store.version,
        "concepts": int(store.meta["concepts"]),
        "licence": store.meta["licence"],
        "sha256": store.meta["sha256"],
        "complete": store.complete,
        "title": store.meta["title"],
        "tier": manifest[store.system]["tier"] if shipped and store.system in manifest else "user",
        "file": str(store.path),
        "other_editions": [name for name in editions.names if name != editions.newest],
        "order_known": editions.sure,
    }
