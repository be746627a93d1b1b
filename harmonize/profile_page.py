"""`harmonize profiles doc`: the field-by-field page of a profile, in Markdown.

Every slot of the source stands on it, with the columns that fill it, where it goes in the hub, and what each target does with it; what is
left out stands there with its reason. The page is made of the profile alone: the same profile makes the same page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harmonize.convert import make_environment
from harmonize.errors import InputError
from harmonize.exports.markdown import one_line, table_row
from harmonize.findings import Outcome
from harmonize.profiles.compiler import compile_profile
from harmonize.profiles.lint import slot_account
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import Feed
from harmonize.profiles.plan import Plan
from harmonize.profiles.specification import Profile, SourceSlot, TableAssembly
from harmonize.profiles.xml_assembly import DOCUMENT, SUBJECT_ELEMENT, holder_of
from harmonize.pseudonyms import key_from_secret
from harmonize.terminology.sssom import read_mapping_set
from harmonize.writers import WRITERS, Support, WriterContext, load_writer, support_of

if TYPE_CHECKING:
    from harmonize.input.xml_rows import Paths

_WORDS = {Outcome.CARRIED: "yes", Outcome.COARSENED: "coarsened", Outcome.DROPPED: "no"}
_ORDER = (Outcome.CARRIED, Outcome.COARSENED, Outcome.DROPPED)
_PLACES = ("mapped", "left out with a reason", "used to read others", "unknown")
TARGETS = tuple(target for target in WRITERS if target != "hub")


class _Page(NamedTuple):
    """A profile with what was compiled of it, and what the targets declare."""

    profile: Profile
    plan: Plan
    supports: Mapping[str, Mapping[str, Support]]


def profile_page(name: str, schemas: Sequence[Path] = ()) -> str:
    """The page of the profile *name* (an id or a folder); of the XSDs *schemas* every element is on it, path by path.

    Raises UnknownNameError, SpecificationError; InputError for a file that is no XSD of a dialect of the profile.

    >>> profile_page("eu/ern-cde").splitlines()[0]
    '# eu/ern-cde: ERN common data elements (CARE-SM tables)'
    """
    profile, key = load_profile(name), key_from_secret(bytes(32))
    environment = make_environment(profile, key, "page")
    plan = compile_profile(profile, environment)
    context = WriterContext("", "", profile.id, profile.version, key, environment.systems, {}, "", plan.filled)
    page = _Page(profile, plan, {target: load_writer(target, context).declaration for target in TARGETS})
    lines = [*_head(page), *_tables(page), *_left_out(profile), *_values(profile), *_code_maps(profile)]
    for schema in schemas:
        lines += _elements(page, schema)
    return "\n".join(lines).rstrip() + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table and an empty one. Cells are Markdown."""
    return [table_row(heads), f"|{'---|' * len(heads)}", *(table_row(row) for row in rows), ""]


def _head(page: _Page) -> Iterator[str]:
    profile = page.profile
    account = slot_account(profile, page.plan)
    after = profile.specification
    yield f"# {profile.id}: {one_line(profile.title)}"
    yield ""
    yield one_line(profile.description)
    yield ""
    facts = [
        ("Version", profile.version),
        ("Owner", profile.owner),
        ("Licence", profile.licence),
        ("Specification", " ".join(filter(None, (after.get("name"), after.get("version"), after.get("url"))))),
        ("Reader", profile.assembly.reader),
        ("Slots mapped", str(len(account.mapped))),
        ("Slots left out with a reason", str(len(account.left_out))),
        ("Columns left out with a reason", str(len(profile.left_out_columns))),
    ]
    if account.unaccounted:
        facts.append(("Slots that wait for a decision", ", ".join(account.unaccounted)))
    yield from _table(("", ""), [(name, one_line(text)) for name, text in facts if text])
    yield from _documents(profile)


def _documents(profile: Profile) -> Iterator[str]:
    """The dialects of an XML profile."""
    if profile.assembly.xml is None:
        return
    yield "## Documents"
    yield ""
    heads = ("dialect", "root element", "versions", "a subject", "its identifier", "XSD")
    rows = [
        (d.title, f"{{{d.namespace}}}{d.root}", d.version_pattern or "any", d.subject, d.identifier, d.schema or "")
        for d in profile.assembly.xml.dialects.values()
    ]
    yield from _table(
        heads, [[one_line(title), *(f"`{text}`" if text else "" for text in row)] for title, *row in rows]
    )


# --- every slot -----------------------------------------------------------------------------------------------------


def _tables(page: _Page) -> Iterator[str]:
    """A part for each source class with plain slots: its tables, then its slots."""
    yield "## Field by field"
    yield ""
    yield (
        "Per slot of the source: the columns that fill it (where none is named, those that are called like it), where it goes, "
        "and whether each target holds it. *coarsened* and *no* say why; what a single value loses, a run says."
    )
    yield ""
    profile = page.profile
    for source_class, slots in profile.source.classes.items():
        plain = [slot for slot in slots.values() if slot.range not in profile.source.classes]
        if not plain:
            continue
        tables = [table for table in profile.assembly.tables if table.row_class == source_class]
        yield f"### {one_line(source_class)}"
        yield ""
        of = dict.fromkeys(table.element or table.file for table in tables)
        if of:
            yield f"Rows of {', '.join(f'`{name}`' for name in of)}."
            yield ""
        heads = ("slot", "filled by", "hub", *TARGETS)
        yield from _table(heads, [_row(page, source_class, slot, tables) for slot in plain])


def _row(page: _Page, source_class: str, slot: SourceSlot, tables: Sequence[TableAssembly]) -> list[str]:
    said = f"<br>{one_line(slot.description)}" if slot.description and slot.description != slot.name else ""
    first = [f"`{slot.name}`{said}", ", ".join(f"`{name}`" for name in _columns(slot.name, tables))]
    feeds = _feeds(page, source_class, slot.name, tables)
    if feeds:
        hub = dict.fromkeys(f"`{feed.hub_class}.{feed.slot}`" for feed in feeds)
        return [*first, ", ".join(hub), *(_support(page.supports[target], feeds) for target in TARGETS)]
    reason = page.profile.left_out_reason(source_class, slot.name)
    return [
        *first,
        f"left out: {one_line(reason)}" if reason else "left out with what holds it",
        *("" for _ in TARGETS),
    ]


def _columns(slot: str, tables: Iterable[TableAssembly]) -> list[str]:
    """The columns that the tables call otherwise than the slot."""
    return list(dict.fromkeys(column for table in tables for column, name in table.columns.items() if name == slot))


def _feeds(page: _Page, source_class: str, slot: str, tables: Sequence[TableAssembly]) -> tuple[Feed, ...]:
    """The hub slots that a slot flows into, by its own class or by rows that take it from there."""
    found = list(page.plan.fed_by.get((source_class, slot), ()))
    for table in tables:
        found += [f for lent, heir in table.lent if lent == slot for f in page.plan.fed_by.get((heir, slot), ())]
        if table.group is not None and slot in table.group.lift:
            found += page.plan.fed_by.get((table.group.row_class, slot), ())
    return tuple(found)


def _support(declaration: Mapping[str, Support], feeds: Sequence[Feed]) -> str:
    """What a target does with a slot: the best of what it does in all places."""
    supports = [support_of(declaration, feed) for feed in feeds]
    best = min(supports, key=lambda support: _ORDER.index(support.outcome))
    return _WORDS[best.outcome] + (f": {one_line(best.reason)}" if best.reason else "")


# --- every element of an XSD -------------------------------------------------------------------------------------------


def _elements(page: _Page, schema: Path) -> Iterator[str]:
    """Every element and attribute with text that an XSD allows, with its place, and how many have one."""
    from harmonize.input.xml_rows import Paths
    from harmonize.input.xsd import read_xsd

    profile = page.profile
    xml = profile.assembly.xml
    known = [d for d in xml.dialects.values() if d.schema == schema.name] if xml is not None else []
    found = read_xsd(schema, known[0].root if known else None)
    known = known or [d for d in (xml.dialects.values() if xml else ()) if d.namespace == found.namespace]
    if not known:
        raise InputError(f"it is the XSD of no dialect of {profile.id}", file=schema.name, fix="give its XSDs")
    paths, counts = Paths(profile), dict.fromkeys(_PLACES, 0)
    rows = []
    for path, _, _ in found.root.leaves():
        kind, place = _place(page, paths, path, known[0].subject)
        counts[kind] += 1
        rows.append((f"`{path}`", place))
    yield f"## Every element of {one_line(schema.name)}"
    yield ""
    yield f"{len(rows)} elements and attributes: {', '.join(f'{number} {kind}' for kind, number in counts.items())}."
    yield ""
    yield from _table(("element", "where it goes"), rows)


def _place(page: _Page, paths: Paths, path: str, subject: str) -> tuple[str, str]:
    """(kind of place, words) of an element at *path* below the root."""
    inside = path.removeprefix(f"{subject}/")
    is_inside = path.startswith(f"{subject}/")
    name = inside if is_inside else f"/{path}"
    element = name.partition("/@")[0] if not name.startswith("@") else SUBJECT_ELEMENT
    holder = element if element in paths.row_paths else holder_of(element, paths.row_paths)
    column = paths.column(paths.table((holder or SUBJECT_ELEMENT) if is_inside else DOCUMENT), name)
    specs = paths.specs.get(holder or SUBJECT_ELEMENT, ()) if is_inside else ()
    classes = page.profile.source.classes
    slots = {
        (spec.row_class, spec.slot_of(name)): spec for spec in specs if spec.slot_of(name) in classes[spec.row_class]
    }
    feeds = [feed for (owner, slot), spec in slots.items() for feed in _feeds(page, owner, slot, (spec,))]
    if feeds:
        return "mapped", ", ".join(dict.fromkeys(f"`{feed.hub_class}.{feed.slot}`" for feed in feeds))
    if any(name in spec.identifiers for spec in specs):
        return "mapped", "identifier of the subject"
    reasons = [page.profile.left_out_reason(*place) for place in slots]
    reason = next(filter(None, reasons), None) or page.profile.left_out_column(name)
    if reason is not None:
        return "left out with a reason", one_line(reason)
    return (
        ("used to read others", "decides on others") if column.is_slot else ("unknown", "**not known to the profile**")
    )


# --- what is left out, lists, code maps -----------------------------------------------------------------------------


def _left_out(profile: Profile) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for column, reason in profile.left_out_columns.items():
        by_reason.setdefault(reason, []).append(f"`{column}`")
    for table, reason in profile.left_out_tables.items():
        by_reason.setdefault(reason, []).append(f"table `{table}`")
    for item in profile.left_out:
        if item.values:
            texts = ", ".join(f"`{text}`" for text in sorted(item.values))
            by_reason.setdefault(item.reason, []).append(f"`{item.source_class}.{item.slot}` where it says {texts}")
    if not by_reason:
        return
    yield "## Columns and values that are not carried"
    yield ""
    if profile.assembly.xml is not None:
        yield "A path is left out with all that is below it; `//NAME` is any element of the name."
        yield ""
    rows = [[", ".join(dict.fromkeys(names)), one_line(reason)] for reason, names in by_reason.items()]
    yield from _table(("what", "why"), rows)


def _values(profile: Profile) -> Iterator[str]:
    if not profile.source.meanings:
        return
    yield "## Lists of values"
    yield ""
    for name, meanings in profile.source.meanings.items():
        yield f"### {one_line(name)}"
        yield ""
        rows = [[f"`{text}`", f"`{meaning.code}`", one_line(meaning.label)] for text, meaning in meanings.items()]
        yield from _table(("value", "code", "label of the source"), rows)


def _code_maps(profile: Profile) -> Iterator[str]:
    if not profile.code_maps:
        return
    yield "## Code maps"
    yield ""
    rows = []
    for name, policy in profile.code_maps.items():
        predicates = ", ".join(f"`{predicate}`" for predicate in policy.predicates or profile.predicates)
        way = " > ".join(f"`{prefix}`" for prefix in (*policy.through, policy.to) if prefix) or "-"
        for path in policy.sets:
            number = str(len(read_mapping_set(path).rows)) if path.suffix == ".tsv" else "compiled"
            rows.append([f"`{name}`", one_line(path.name), number, predicates, f"{policy.minimum_confidence:g}", way])
    yield from _table(
        ("name", "file", "rows", "predicates that translate, best first", "least confidence", "by way of"), rows
    )
