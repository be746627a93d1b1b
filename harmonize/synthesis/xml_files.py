"""Synthetic rows as an XML document of the first dialect of a profile, and whole documents as a case writes them.

A table of `demo.yaml` is one of the profile, named with its path (`report Reports/Report`); its columns are paths below the
element, in the order in which the format wants them. Under `document` of `demo.yaml` stand paths below the root (`@version`)
and what stands there; `after:` before a path puts it behind the subjects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lxml import etree

from harmonize.errors import SpecificationError
from harmonize.profiles.specification import Profile
from harmonize.profiles.xml_assembly import SUBJECT_ELEMENT, below
from harmonize.terminology.strict_yaml import load_strict_yaml

Row = dict[str, str]


def write_xml(
    profile: Profile, columns: Mapping[str, Sequence[str]], subjects: Iterable[Mapping[str, Sequence[Row]]], out: Path
) -> dict[str, int]:
    """Write *subjects* as one document of the folder *out*; rows by file."""
    assembly = profile.assembly
    assert assembly.xml is not None
    dialect = next(iter(assembly.xml.dialects.values()))
    paths = {table.name: table.element or SUBJECT_ELEMENT for table in assembly.tables}
    namespace = dialect.namespace or None
    steps = dialect.subject.split("/")
    stated = _document(profile)
    number = 0
    with (out / "records.xml").open("wb") as file, etree.xmlfile(file, encoding="utf-8") as document:
        document.write_declaration()
        attributes = {path[1:]: value for path, value in stated.items() if path.startswith("@")}
        with document.element(
            _tag(namespace, dialect.root), attributes, nsmap={None: namespace} if namespace else None
        ):
            before = [path for path in stated if not path.startswith("@") and not path.startswith("after:")]
            for element in _top(namespace, {path: stated[path] for path in before}):
                document.write(element)
            with document.element(_tag(namespace, steps[0])):
                for tables in subjects:
                    element = etree.Element(_tag(namespace, steps[-1]), nsmap={None: namespace} if namespace else None)
                    for table, rows in tables.items():
                        for row in rows:
                            _fill(element, paths[table], row, namespace)
                            number += 1
                    etree.indent(element)
                    element.tail = "\n"
                    document.write(element, with_tail=True)
            for element in _top(
                namespace, {p.removeprefix("after:"): v for p, v in stated.items() if p.startswith("after:")}
            ):
                document.write(element)
    return {"records.xml": number}


def write_documents(documents: Mapping[str, str], out: Path) -> None:
    """Write whole documents, as a case holds them, by name of the file."""
    out.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        (out / Path(name).name).write_text(text, encoding="utf-8")


def _document(profile: Profile) -> Mapping[str, str]:
    path = profile.folder / "demo.yaml"
    if not path.is_file():
        return {}
    tree, _ = load_strict_yaml(path, name="demo.yaml")
    stated = tree.get("document", {})
    if not isinstance(stated, dict) or not all(isinstance(value, str) for value in stated.values()):
        raise SpecificationError("document must say what stands at paths below the root", file=str(path))
    return stated


def _tag(namespace: str | None, name: str) -> str:
    return f"{{{namespace}}}{name}" if namespace else name


def _top(namespace: str | None, stated: Mapping[str, str]) -> Iterator[etree._Element]:
    holder = etree.Element("holder", nsmap={None: namespace} if namespace else None)
    for path, text in stated.items():
        _put(holder, path, text, namespace)
    yield from list(holder)


def _fill(subject: etree._Element, path: str, row: Row, namespace: str | None) -> None:
    """A new element at *path*, below the newest of those that hold it, with the cells of *row*."""
    element = subject
    if path != SUBJECT_ELEMENT:
        *above, last = path.split("/")
        for step in above:
            element = _newest(element, step, namespace)
        element = etree.SubElement(element, _tag(namespace, last))
    for column, text in row.items():
        if text:
            _put(element, below(column, path) if column.startswith(f"{path}/") else column, text, namespace)


def _put(element: etree._Element, path: str, text: str, namespace: str | None) -> None:
    for step in path.split("/"):
        if step.startswith("@"):
            element.set(step[1:], text)
            return
        if step != ".":
            element = _newest(element, step, namespace)
    element.text = text


def _newest(element: etree._Element, step: str, namespace: str | None) -> etree._Element:
    found = element.findall(_tag(namespace, step))
    return found[-1] if found else etree.SubElement(element, _tag(namespace, step))
