"""What the writers declare of hub paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harmonize.datasets.hub_paths import HubPath
from harmonize.datasets.specification import DatasetClass, Item
from harmonize.findings import Outcome
from harmonize.writers import Support
from harmonize.writers.fhir.r4 import FhirR4Writer
from harmonize.writers.phenopackets.v2 import PhenopacketsWriter

DECLARATIONS: Mapping[str, Mapping[str, Support]] = {
    writer.target: writer.declaration for writer in (FhirR4Writer, PhenopacketsWriter)
}


def places(path: HubPath) -> list[str]:
    """`Class.slot` of every step of a path."""
    holders = [path.start, *(step.range for step in path.steps)]
    return [f"{holder}.{step.slot}" for holder, step in zip(holders, path.steps, strict=False)]


def full_paths(item: Item, owner: DatasetClass) -> list[tuple[str, list[str]]]:
    """Every hub path of an item from the record on: as text, and `Class.slot` of its steps."""
    found = []
    for path in item.slots:
        starts = [None] if path.from_record else owner.paths
        for start in starts:
            before = start.text if start is not None else ""
            steps = [*(places(start) if start is not None else []), *places(path)]
            found.append(("/".join(part for part in (before, path.text.removeprefix("record/")) if part), steps))
    return found


def support(target: str, steps: Iterable[str]) -> Support:
    """What *target* does with a value at the end of *steps*: what is inside of something dropped is dropped with it."""
    declared = [DECLARATIONS[target][step] for step in steps]
    return next((one for one in declared if one.outcome is Outcome.DROPPED), declared[-1])
