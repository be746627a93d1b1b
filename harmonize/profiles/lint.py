"""Whether a profile accounts for every slot of its source: mapped, or left out with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harmonize.errors import SpecificationError
from harmonize.profiles.plan import Plan
from harmonize.profiles.specification import Profile


class SlotAccount(NamedTuple):
    """The slots of the source, as `Class.slot`: mapped, left out (with the reason), or forgotten."""

    mapped: tuple[str, ...]
    left_out: dict[str, str]
    unaccounted: tuple[str, ...]


def slot_account(profile: Profile, plan: Plan) -> SlotAccount:
    """What becomes of every slot that a source record can hold."""
    mapped: dict[str, None] = {}
    left_out: dict[str, str] = {}
    unaccounted: dict[str, None] = {}
    lifted = {
        (table.row_class, slot): table.group.row_class
        for table in profile.assembly.tables
        if table.group is not None
        for slot in table.group.lift
    }
    lent = {
        (t.row_class, slot) for t in profile.assembly.tables for slot, heir in t.lent if plan.fed_by.get((heir, slot))
    }
    for source_class, slot, reason in _slots(profile, profile.source.root, None, frozenset()):
        name = f"{source_class}.{slot}"
        if (
            plan.fed_by.get((source_class, slot))
            or (source_class, slot) in lent
            or plan.fed_by.get((lifted.get((source_class, slot), ""), slot))
        ):
            mapped[name] = None
        elif reason is not None:
            left_out[name] = reason
        else:
            unaccounted[name] = None
    return SlotAccount(tuple(mapped), left_out, tuple(unaccounted))


def _slots(
    profile: Profile, source_class: str, reason: str | None, above: frozenset[str]
) -> Iterator[tuple[str, str, str | None]]:
    """(class, slot, reason for leaving it out) of all slots with a plain value below *source_class*."""
    if source_class in above:
        return
    for slot in profile.source.classes[source_class].values():
        own = profile.left_out_reason(source_class, slot.name) or reason
        if slot.range in profile.source.classes:
            yield from _slots(profile, slot.range, own, above | {source_class})
        else:
            yield source_class, slot.name, own


def left_out_problems(profile: Profile) -> list[str]:
    """Entries of `left_out` that name nothing: a misspelt class or slot hides a gap."""
    problems = []
    for item in profile.left_out:
        classes = (
            profile.source.classes.values()
            if item.source_class == "*"
            else (profile.source.classes.get(item.source_class, {}),)
        )
        if not any(item.slot in slots for slots in classes):
            problems.append(
                f"profile.yaml: left_out names {item.source_class}.{item.slot}, which source.yaml does not have"
            )
    return [*problems, *_left_out_tables_problems(profile), *_blanks_problems(profile)]


def _left_out_tables_problems(profile: Profile) -> list[str]:
    """Tables that are left out and read: one of the two is wrong."""
    files = [
        *(table.file for table in profile.assembly.tables),
        *(r.file for r in profile.assembly.references.values()),
    ]
    read = {file.rpartition(".")[0].lower() for file in files}
    return [f"profile.yaml: left_out names the table {name}, which assemble reads" for name in
            sorted(read & set(profile.left_out_tables))]  # fmt: skip


def _blanks_problems(profile: Profile) -> list[str]:
    """Columns of `blanks` that no table has: a misspelt column leaves its zeros as values."""
    known = {
        column
        for table in profile.assembly.tables
        for slot in profile.source.classes.get(table.row_class, {})
        for column in (slot, *(name for name, other in table.columns.items() if other == slot))
    }
    return [
        f"profile.yaml: assemble.blanks names the column {column}, which no table has"
        for column in sorted(set(profile.assembly.column_blanks) - known)
    ]


def require_accounted(profile: Profile, plan: Plan) -> None:
    """Refuse a profile that forgets a slot. Raises SpecificationError."""
    forgotten = slot_account(profile, plan).unaccounted
    if forgotten:
        names = ", ".join(forgotten[:5]) + (f" and {len(forgotten) - 5} more" if len(forgotten) > 5 else "")
        raise SpecificationError(
            f"these slots are neither mapped nor left out: {names}",
            file=str(profile.folder / "map.yaml"),
            fix="map them in map.yaml, or list them under left_out in profile.yaml with the reason",
        )
