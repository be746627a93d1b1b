"""Whether `assemble` of profile.yaml fits source.yaml: classes, slots, joins and groups are there and take what they are given."""

from __future__ import annotations

from harmonize.errors import SpecificationError, UnknownNameError
from harmonize.profiles.specification import Profile, TableAssembly
from harmonize.profiles.xml_check import check_xml_assembly


def check_assembly(profile: Profile) -> list[str]:
    """What of `assemble` does not fit `source.yaml`, one sentence each."""
    if profile.assembly.xml is not None:
        return check_xml_assembly(profile.assembly.xml, profile.source, profile.assembly.subject)
    problems = []
    classes, root = profile.source.classes, profile.source.root
    physical = sorted(profile.assembly.physical_tables())
    if profile.assembly.reader == "redcap" and len(physical) != 1:
        problems.append(
            f"assemble.tables: a REDCap export is one table; give all tables the same rows_of, not {', '.join(physical)}"
        )
    names = {table.name for table in profile.assembly.tables}
    if profile.assembly.subject not in classes[root]:
        problems.append(f"assemble.subject: {root} has no slot {profile.assembly.subject!r}")
    for table in profile.assembly.tables:
        where = f"assemble.tables.{table.name}"
        if table.row_class not in classes:
            problems.append(f"{where}: {UnknownNameError('source class', table.row_class, classes)}")
            continue
        wanted = table.group.row_class if table.group else table.row_class
        slot = classes[root].get(table.slot)
        all_joined = table.join is not None and table.join.when is None and table.group is None and not table.slot
        if not all_joined and (slot is None or slot.range != wanted or slot.multivalued != table.repeats):
            problems.append(
                f"{where}: slot {table.slot!r} of {root} must take {'many' if table.repeats else 'one'} {wanted}"
            )
        unknown = sorted(set(table.columns.values()) - {"", *classes[table.row_class]})
        problems += [f"{where}.columns: {table.row_class} has no slot {slot!r}" for slot in unknown]
        if table.rows_of != table.name and profile.assembly.reader == "delimited":
            problems += _check_shared(where, table, profile)
        if table.join:
            problems += _check_join(where, table, profile, names)
        if table.group:
            inner = classes.get(table.group.row_class, {}).get(table.group.rows)
            if inner is None or inner.range != table.row_class or not inner.multivalued:
                problems.append(
                    f"{where}.group: {table.group.row_class}.{table.group.rows} must take many {table.row_class}"
                )
    return problems


def _check_shared(where: str, table: TableAssembly, profile: Profile) -> list[str]:
    """Delimited rows come from a table that is a file of its own."""
    files = [other.name for other in profile.assembly.tables if other.rows_of == other.name]
    return [] if table.rows_of in files else [f"{where}.rows_of: {UnknownNameError('table', table.rows_of, files)}"]


def _check_join(where: str, table: TableAssembly, profile: Profile, names: set[str]) -> list[str]:
    join, classes = table.join, profile.source.classes
    assert join is not None
    unknown = [into for into in join.into if into not in names]
    if unknown:
        return [f"{where}.join: {UnknownNameError('table', into, names)}" for into in unknown]
    problems = [
        f"{where}.join: {table.row_class} has no slot {s!r}" for s in join.on if s not in classes[table.row_class]
    ]
    for partner in dict.fromkeys(t.row_class for t in profile.assembly.tables if t.name in join.into):
        slot = classes.get(partner, {}).get(join.slot)
        if slot is None or slot.range != table.row_class or slot.multivalued != join.repeats:
            number = "many" if join.repeats else "one"
            problems.append(f"{where}.join: {partner}.{join.slot} must take {number} {table.row_class}")
        problems += [
            f"{where}.join: {partner} has no slot {s!r}" for s in join.on.values() if s not in classes.get(partner, {})
        ]
    return problems


def require_assembly(profile: Profile) -> None:
    """Raise SpecificationError where `check_assembly` finds anything."""
    problems = check_assembly(profile)
    if problems:
        raise SpecificationError("; ".join(problems), file=str(profile.folder / "profile.yaml"))
