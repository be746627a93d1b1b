"""Documents of every writer for one hub record, by writers that are made once."""

from __future__ import annotations

from functools import cache
from typing import Any

from harmonize.hub.objects import hub_object
from harmonize.writers import Document, TargetLog, Writer, load_writer
from tests.rich_record import context

cached_context = cache(context)


@cache
def writer(target: str) -> Writer:
    """The writer of *target*."""
    return load_writer(target, cached_context())


def write(target: str, record: dict[str, Any]) -> tuple[list[Document], TargetLog]:
    """The documents for *record* (plain JSON) and what the writer says."""
    return write_objects(target, hub_object(record))


def write_objects(target: str, record: Any) -> tuple[list[Document], TargetLog]:
    """As `write`, for a record of hub objects, whose identity the losses hold."""
    log = TargetLog(target)
    return writer(target).documents(record, log), log
