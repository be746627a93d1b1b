"""Target `hub`: the 1+MG subject record itself, one a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from harmonize.hub import hub_schema
from harmonize.hub.objects import HubObject
from harmonize.writers import CARRIES, Document, Parts, Support, TargetLog, WriterContext


class HubWriter:
    """Writes the record as it is."""

    target = "hub"
    declaration: Mapping[str, Support] = {
        f"{name}.{slot}": CARRIES for name, slots in hub_schema().classes.items() for slot in slots
    }
    defaults: Mapping[str, str] = {}

    def documents(self, record: HubObject, log: TargetLog) -> list[Document]:
        """The record as one line of `subjects.ndjson`."""
        return [Document("subjects", record["subject_id"], orjson.dumps(record))]

    def close(self, subjects: int, parts: Parts) -> Iterator[tuple[str, Iterator[bytes]]]:
        """No file of the run."""
        return iter(())


def writer(context: WriterContext) -> HubWriter:
    """The hub writer; it needs nothing of the *context*."""
    return HubWriter()
