"""A draft of a profile from an XSD: every element has a slot, elements that repeat are classes, only the identifier is mapped.

What an XSD does not say is assumed and said: which element is a subject (the repeating one with most in it), and where its identifier
stands (an attribute or element whose name says `id`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harmonize.curation.draft_profile import check_new_profile, root_map, source_document, write_draft, yaml_text
from harmonize.errors import InputError, UnknownNameError
from harmonize.input.xsd import Text, Xsd, XsdElement, read_xsd
from harmonize.profiles.xml_assembly import default_slot

ROOT = "Record"
"""The source class of a subject with all that is said of it."""
_NAME = re.compile(r"[^A-Za-z0-9_]+")
_IDENTIFIER = re.compile(r"(?:^|_)(?:id|ID|Id|nr|Nr)$|[a-z]I[dD]$")
_DESCRIPTION = 200
_IN_SUBJECTS = "Stands before the subjects: each of them has it in its own row, where it is decided on."
_REPEATS = (
    "Stands beside the subjects and repeats, is an attribute, or stands behind them: no slot of a subject can take it."
)


@dataclass
class _Table:
    """An element that repeats, or the subject: its class, its slots with the text of each, the columns that are called otherwise."""

    path: str
    row_class: str
    parent: _Table | None
    slot: str
    slots: dict[str, tuple[Text, str]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    inner: list[_Table] = field(default_factory=list)

    def add(self, path: str, text: Text, documentation: str) -> None:
        """A leaf; its slot is called like its path below the element, with a number where another is called so."""
        usual = default_slot(path)
        slot = _distinct(_NAME.sub("_", usual), self.slots)
        if slot != usual:
            self.columns[path] = slot
        self.slots[slot] = (text, documentation)


@dataclass
class _Draft:
    """What the XSD says, and what was assumed."""

    profile_id: str
    file: str
    xsd: Xsd
    subject: str
    identifier: str
    tables: list[_Table]
    document: dict[str, str]
    beside: list[str]


def draft_from_xsd(
    schema: Path,
    profile_id: str,
    folder: Path,
    *,
    root: str | None = None,
    subject: str | None = None,
    identifier: str | None = None,
) -> list[Path]:
    """Write the draft of *profile_id* into *folder*; the files written.

    *root*, *subject* (path below the root) and *identifier* (path below the subject) say what the XSD does not. Raises CallError where
    the id is not of the form scope/name or the folder exists; InputError where the file is no XSD; UnknownNameError for a wrong path.
    """
    check_new_profile(profile_id, folder)
    xsd = read_xsd(schema, root)
    paths = dict(_repeating(xsd.root))
    if subject is None:
        if not paths:
            message = "no element repeats: which one is a subject?"
            raise InputError(message, file=schema.name, fix="say it with --subject PATH")
        subject = max(paths, key=lambda path: (sum(1 for _ in paths[path].leaves()), -path.count("/"), path))
    element = _at(xsd.root, subject)
    leaves = {path: None for path, _, _ in element.leaves()}
    if identifier is None:
        identifier = _likely_identifier(leaves)
    elif identifier not in leaves:
        raise UnknownNameError("element of the subject", identifier, leaves)
    if identifier is None:
        message = f"no element of {subject} is called an identifier"
        raise InputError(message, file=schema.name, fix="say where it stands with --identifier PATH")
    tables = _tables(element, identifier)
    document, beside = _beside(xsd.root, subject, tables[0])
    draft = _Draft(profile_id, schema.name, xsd, subject, identifier, tables, document, beside)
    texts = {
        "profile.yaml": yaml_text(_card(draft)),
        "source.yaml": yaml_text(_source(draft)),
        "map.yaml": yaml_text(root_map(profile_id, ROOT, "subject_id")),
        "README.md": _readme(draft),
    }
    return write_draft(folder, texts)


def _repeating(element: XsdElement, path: str = "") -> Iterator[tuple[str, XsdElement]]:
    """The outermost repeating elements with elements or attributes in them, by path below the root."""
    for child in element.children:
        here = f"{path}/{child.name}".lstrip("/")
        if child.repeats and (child.children or child.attributes):
            yield here, child
        else:
            yield from _repeating(child, here)


def _at(element: XsdElement, path: str) -> XsdElement:
    for step in path.split("/"):
        children = {child.name: child for child in element.children}
        if step not in children:
            raise UnknownNameError(f"element of {element.name}", step, children)
        element = children[step]
    return element


def _likely_identifier(leaves: Collection[str]) -> str | None:
    """The attribute, else the element, nearest to the subject whose name says that it is an identifier."""
    named = [path for path in leaves if _IDENTIFIER.search(path.rpartition("/")[2].lstrip("@"))]
    return min(named, key=lambda path: (path.count("/"), "@" not in path), default=None)


def _distinct(name: str, taken: Collection[str]) -> str:
    made, number = name, 2
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    return made


def _tables(subject: XsdElement, identifier: str) -> list[_Table]:
    """The subject's table, then one for every element that repeats, those that hold others first."""
    names = {ROOT}
    first = _Table(".", _class(subject.name, names), None, "subject")
    tables = [first]
    _fill(first, subject, "", tables, names)
    first.slots.pop(first.columns.pop(identifier, default_slot(identifier)), None)  # it is the record's own
    return tables


def _fill(table: _Table, element: XsdElement, inside: str, tables: list[_Table], names: set[str]) -> None:
    """Put the leaves of *element* into *table*, and what repeats into tables of its own; *inside* is the path below the table's element."""
    if element.text is not None:
        table.add(inside or ".", element.text, element.documentation)
    for name, text in element.attributes.items():
        table.add(f"{inside}/@{name}".lstrip("/"), text, "")
    for child in element.children:
        here = f"{inside}/{child.name}".lstrip("/")
        if not child.repeats:
            _fill(table, child, here, tables, names)
            continue
        path = here if table.path == "." else f"{table.path}/{here}"
        taken = {one.slot for one in table.inner} | set(table.slots)
        made = _Table(path, _class(child.name, names), table, _distinct(f"rows_of_{_NAME.sub('_', child.name)}", taken))
        table.inner.append(made)
        tables.append(made)
        _fill(made, child, "", tables, names)


def _class(name: str, names: set[str]) -> str:
    """A class called like its element, with a capital as LinkML has it."""
    word = _NAME.sub("_", name)
    made = _distinct(word[:1].upper() + word[1:], names)
    names.add(made)
    return made


def _beside(root: XsdElement, subject: str, table: _Table) -> tuple[dict[str, str], list[str]]:
    """(path beside the subjects -> column, paths that no slot can take)."""
    document: dict[str, str] = {}
    lost = [f"@{name}" for name in root.attributes]
    container = subject.split("/")[0]
    is_before = True
    for child in root.children:
        if child.name == container:
            is_before = False
            continue
        held = child.text is not None and not (child.repeats or child.children or child.attributes)
        if is_before and held and child.text is not None:
            document[child.name] = f"/{child.name}"
            table.add(f"/{child.name}", child.text, child.documentation)
        else:
            lost.append(child.name)
    return document, lost


# --- the files ------------------------------------------------------------------------------------------------------


def _card(draft: _Draft) -> dict[str, Any]:
    xsd = draft.xsd
    dialect: dict[str, Any] = {"title": f"{xsd.root.name} after {draft.file}"}
    if xsd.namespace:
        dialect["namespace"] = xsd.namespace
    dialect["root"] = xsd.root.name
    version = next((name for name in xsd.root.attributes if "version" in name.lower()), None)
    if version is not None:
        text = xsd.root.attributes[version]
        listed = "|".join(re.escape(value) for value in text.choices)
        dialect["version"] = {"attribute": version, "pattern": listed or text.pattern or ".+"}
    dialect |= {"subject": draft.subject, "identifier": draft.identifier}
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*[.]xsd", draft.file):
        dialect["schema"] = draft.file
    if draft.document:
        dialect["document"] = draft.document
    card: dict[str, Any] = {
        "id": draft.profile_id,
        "title": f"XML after {draft.file}",
        "version": "0.1.0",
        "licence": "Apache-2.0",
        "owner": "to be filled in",
        "specification": {"name": f"XML schema {draft.file}", "version": "to be filled in"},
        "identifiers": {"subject_id": {"class": "subject", "privacy": "direct"}},
        "assemble": {
            "reader": "xml",
            "subject": "subject_id",
            "xml": {"dialects": {"xml": dialect}},
            "tables": {_table_name(table): _table(table) for table in draft.tables},
        },
    }
    beside = ((draft.beside, _REPEATS), (draft.document, _IN_SUBJECTS))
    left_out = [{"columns": [f"/{path}" for path in paths], "reason": reason} for paths, reason in beside if paths]
    if left_out:
        card["left_out"] = left_out
    return card


def _table_name(table: _Table) -> str:
    return table.row_class


def _table(table: _Table) -> dict[str, Any]:
    made: dict[str, Any] = {"class": table.row_class, "slot": table.slot}
    if table.parent is None:
        made |= {"repeats": "once", "elements": [table.path], "merge": {"by": []}}
    else:
        made |= {"into": _table_name(table.parent)} if table.parent.parent is not None else {}
        made |= {"elements": [table.path]}
    return made | ({"columns": table.columns} if table.columns else {})


def _source(draft: _Draft) -> dict[str, Any]:
    first = draft.tables[0]
    enums: dict[str, Any] = {}
    shared: dict[tuple[str, ...], str] = {}
    attributes: dict[str, Any] = {"subject_id": {"description": "Identifier of the subject.", "required": "true"}}
    attributes[first.slot] = {"range": first.row_class, "inlined": "true"}
    attributes |= _inner(first)
    classes: dict[str, Any] = {ROOT: {"tree_root": "true", "description": "One subject.", "attributes": attributes}}
    for table in draft.tables:
        slots = {slot: _slot(slot, *said, enums, shared) for slot, said in table.slots.items()}
        if table is not first:
            slots |= _inner(table)
        said = f"The element {table.path}." if table.parent else "The subject's own element."
        classes[table.row_class] = {"description": said, "attributes": slots}
    return source_document(draft.profile_id, "Subjects with what repeats in them", classes, enums)


def _inner(table: _Table) -> dict[str, Any]:
    many = {"inlined": "true", "multivalued": "true", "inlined_as_list": "true"}
    return {inner.slot: {"range": inner.row_class, **many} for inner in table.inner}


def _slot(
    slot: str, text: Text, documentation: str, enums: dict[str, Any], shared: dict[tuple[str, ...], str]
) -> dict[str, Any]:
    """A slot; lists of the same values are one list."""
    made: dict[str, Any] = {"description": documentation[:_DESCRIPTION] or slot}
    if text.choices:
        key = tuple(text.choices)
        if key not in shared:
            shared[key] = _distinct(f"{slot}_choices", enums)
            enums[shared[key]] = {"permissible_values": _values(text.choices)}
        made["range"] = shared[key]
    elif text.pattern:
        made["annotations"] = {"validation": text.pattern}
    return made


def _values(choices: Mapping[str, str]) -> dict[str, Any]:
    return {value: {"description": said[:_DESCRIPTION] or value} for value, said in choices.items()}


def _readme(draft: _Draft) -> str:
    fields = sum(len(table.slots) for table in draft.tables)
    cut = ", ".join(draft.xsd.recursive)
    recursion = f"\nElements that contain themselves are cut at the second one: {cut}.\n" if cut else ""
    return f"""# {draft.profile_id}

Drafted by `harmonize profiles new` from `{draft.file}`: {fields} elements and attributes in {len(draft.tables)} tables. Say here where
the format comes from, who keeps it, and what is not carried and why.

What the XSD does not say was assumed; correct it in `profile.yaml`: a subject is `{draft.subject}`, its identifier stands in
`{draft.identifier}`. What is said of one subject in several messages is not merged yet (`merge`, `replaces`).
{recursion}
To do, in this order: `harmonize profiles check` of this folder lists the elements that wait for a decision; map each in `map.yaml`, or
list it under `left_out` in `profile.yaml` with the reason; write a case into `cases/`.
"""
