"""What an XML schema (XSD 1.0) allows: the tree of its elements, with their lists of values.

Source: W3C XML Schema Part 1: Structures, second edition. Read are elements, attributes, groups, extensions and restrictions of the
schema and of those in the same folder that it includes; keys, substitution groups and wildcards allow elements that are not in the tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from harmonize.errors import InputError, UnknownNameError

MAX_ELEMENTS = 20_000
_XS = "{http://www.w3.org/2001/XMLSchema}"
_NAMED = ("element", "complexType", "simpleType", "group", "attributeGroup", "attribute")
_PARTICLES = frozenset({"sequence", "choice", "all"})
_DERIVED = frozenset({"extension", "restriction"})
Node = Any


@dataclass(frozen=True)
class Text:
    """The text of an element or attribute: what it may say, as far as the XSD lists it."""

    choices: Mapping[str, str] = field(default_factory=dict)
    """Value -> what the XSD says of it."""
    pattern: str = ""


@dataclass
class XsdElement:
    """An element in its place: `text` where it has text of its own, `attributes` by name, the elements in it."""

    name: str
    repeats: bool
    documentation: str = ""
    text: Text | None = None
    attributes: dict[str, Text] = field(default_factory=dict)
    children: list[XsdElement] = field(default_factory=list)

    def leaves(self, path: str = "") -> Iterator[tuple[str, Text, str]]:
        """(path, text, documentation) of everything below with text: elements, and attributes as `@name`."""
        for name, text in self.attributes.items():
            yield f"{path}/@{name}".lstrip("/"), text, ""
        for child in self.children:
            here = f"{path}/{child.name}".lstrip("/")
            if child.text is not None:
                yield here, child.text, child.documentation
            yield from child.leaves(here)


@dataclass(frozen=True)
class Xsd:
    """A schema: its namespace, the root element, and the elements that contain themselves, which are cut."""

    namespace: str
    root: XsdElement
    recursive: tuple[str, ...]


def read_xsd(path: Path, root: str | None = None) -> Xsd:
    """The tree below the root element *root*, by default the only global element that no other one contains.

    Raises InputError where the file is no XSD or names what is not there, UnknownNameError where there is no such root.
    """
    reading = _Reading(path)
    roots = reading.roots()
    if root is not None and root not in reading.named["element"]:
        raise UnknownNameError("root element", root, reading.named["element"])
    if root is None and len(roots) != 1:
        told = ", ".join(sorted(roots)) or "none"
        message = f"the XSD allows several root elements, or none ({told})"
        raise InputError(message, file=path.name, fix="say which one with --root")
    element = reading.element(reading.named["element"][root or roots[0]], (), repeats=False)
    return Xsd(reading.namespace, element, tuple(dict.fromkeys(reading.recursive)))


class _Reading:
    def __init__(self, path: Path) -> None:
        self.file = path.name
        self.named: dict[str, dict[str, Node]] = {kind: {} for kind in _NAMED}
        self.recursive: list[str] = []
        self._made = 0
        self._read: set[Path] = set()
        self.namespace = str(self._load(path).get("targetNamespace", ""))

    def _load(self, path: Path) -> Node:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            schema = etree.parse(str(path), parser).getroot()
        except (OSError, etree.XMLSyntaxError):
            raise InputError("the file is no XML that can be read", file=path.name, fix="give an XSD") from None
        if schema.tag != f"{_XS}schema":
            raise InputError("the file is no XSD: its root is not xs:schema", file=path.name, fix="give an XSD")
        self._read.add(path.resolve())
        for child in schema:
            kind = _kind(child)
            if kind in self.named and child.get("name"):
                self.named[kind][child.get("name")] = child
            elif kind in ("include", "redefine"):
                self._include(path, child.get("schemaLocation", ""))
            elif kind == "import" and child.get("schemaLocation"):
                message = "the XSD imports elements of another namespace; documents of one namespace are read"
                raise InputError(message, file=path.name, row=child.sourceline, fix="draft by hand")
        return schema

    def _include(self, path: Path, location: str) -> None:
        other = path.parent / location
        if "/" in location or "\\" in location or not other.is_file():
            message = "the XSD includes a file that does not stand beside it"
            raise InputError(message, file=path.name, fix=f"put {Path(location).name} into its folder")
        if other.resolve() not in self._read:
            self._load(other)

    def roots(self) -> list[str]:
        """Global elements that nothing refers to."""
        referred = {
            _local(node.get("ref"))
            for nodes in self.named.values()
            for one in nodes.values()
            for node in one.iter(f"{_XS}element")
            if node.get("ref")
        }
        return [name for name in self.named["element"] if name not in referred]

    def _get(self, kind: str, name: str, at: Node) -> Node:
        found = self.named[kind].get(_local(name))
        if found is None:
            message = f"the XSD names the {kind} {_local(name)!r}, which it does not define"
            raise InputError(message, file=self.file, row=at.sourceline, fix="give the whole XSD")
        return found

    def element(self, node: Node, above: tuple[Node, ...], *, repeats: bool) -> XsdElement:
        """An element with all that is in it. What contains itself is cut, and noted."""
        self._made += 1
        if self._made > MAX_ELEMENTS:
            raise InputError(f"more than {MAX_ELEMENTS} elements", file=self.file, fix="draft by hand")
        made = XsdElement(node.get("name"), repeats, _documentation(node))
        if node in above:
            self.recursive.append(made.name)
            return made
        kind = self._type_of(node)
        if kind is None:
            made.text = Text()
        elif isinstance(kind, Text):
            made.text = kind
        elif kind in above:
            self.recursive.append(made.name)
        else:
            self._content(kind, made, (*above, node, kind), repeats=False)
        return made

    def _type_of(self, node: Node) -> Node | Text | None:
        """The complex type of an element or the text of a simple one; None for texts of any kind."""
        inner = next((child for child in node if _kind(child) in ("complexType", "simpleType")), None)
        name = node.get("type")
        if inner is None and name is not None and not self._is_built_in(node, name):
            kind = "complexType" if _local(name) in self.named["complexType"] else "simpleType"
            inner = self._get(kind, name, node)
        if inner is None:
            return None
        return inner if _kind(inner) == "complexType" else self._text(inner)

    def _is_built_in(self, node: Node, name: str) -> bool:
        prefix = name.partition(":")[0] if ":" in name else None
        return f"{{{node.nsmap.get(prefix)}}}" == _XS

    def _text(self, simple: Node, seen: tuple[Node, ...] = ()) -> Text:
        """What a simple type lists, its own or that of its base."""
        choices = {node.get("value", ""): _documentation(node) for node in simple.iter(f"{_XS}enumeration")}
        pattern = next((node.get("value", "") for node in simple.iter(f"{_XS}pattern")), "")
        if choices or pattern:
            return Text(choices, pattern)
        for node in simple.iter(f"{_XS}restriction"):
            base = node.get("base")
            if base and not self._is_built_in(node, base) and simple not in seen:
                return self._text(self._get("simpleType", base, node), (*seen, simple))
        return Text()

    def _content(self, node: Node, made: XsdElement, above: tuple[Node, ...], *, repeats: bool) -> None:
        """Put what stands in a type, group or particle into *made*."""
        if node.get("mixed") in ("true", "1"):
            made.text = Text()
        for child in node:
            kind = _kind(child)
            many = repeats or _many(child)
            if kind == "element":
                target = self._get("element", child.get("ref"), child) if child.get("ref") else child
                self._add(made, self.element(target, above, repeats=many))
            elif kind == "attribute":
                self._attribute(child, made)
            elif kind in ("group", "attributeGroup") and child.get("ref"):
                group = self._get(kind, child.get("ref"), child)
                if group not in above:
                    self._content(group, made, (*above, group), repeats=many)
            elif kind in _PARTICLES:
                self._content(child, made, above, repeats=many)
            elif kind in ("complexContent", "simpleContent"):
                self._content(child, made, above, repeats=repeats)
            elif kind in _DERIVED:
                self._derived(child, made, above, is_simple=_kind(node) == "simpleContent")

    def _derived(self, node: Node, made: XsdElement, above: tuple[Node, ...], *, is_simple: bool) -> None:
        """An extension has what its base has, and so has a restriction of simple content; others say all again but the attributes."""
        base = node.get("base", "")
        is_complex = _local(base) in self.named["complexType"] and not self._is_built_in(node, base)
        if is_complex:
            parent = self._get("complexType", base, node)
            if parent in above:
                self.recursive.append(made.name)
            elif _kind(node) == "extension" or is_simple:
                self._content(parent, made, (*above, parent), repeats=False)
            else:
                of_base = XsdElement(made.name, repeats=False)
                self._content(parent, of_base, (*above, parent), repeats=False)
                made.attributes.update(of_base.attributes)
        elif is_simple:
            known = None if self._is_built_in(node, base) else self._text(self._get("simpleType", base, node))
            made.text = known or Text()
        if is_simple and any(_kind(child) == "enumeration" for child in node):
            made.text = self._text(node)
        self._content(node, made, above, repeats=False)

    def _attribute(self, node: Node, made: XsdElement) -> None:
        if node.get("use") == "prohibited":
            made.attributes.pop(_local(node.get("ref") or node.get("name")), None)
            return
        target = node
        if node.get("ref"):
            if ":" in node.get("ref") and node.get("ref").startswith("xml:"):
                return  # of the language of XML, not of the format
            target = self._get("attribute", node.get("ref"), node)
        kind = self._type_of(target)
        made.attributes[target.get("name")] = kind if isinstance(kind, Text) else Text()

    def _add(self, made: XsdElement, child: XsdElement) -> None:
        """An element that stands in several branches of a choice is one, with what it has in any of them."""
        known = next((one for one in made.children if one.name == child.name), None)
        if known is None:
            made.children.append(child)
            return
        known.repeats = True if child.repeats else known.repeats
        known.text = known.text or child.text
        known.attributes = {**child.attributes, **known.attributes}
        for inner in child.children:
            self._add(known, inner)


def _kind(node: Node) -> str:
    return node.tag.removeprefix(_XS) if isinstance(node.tag, str) else ""


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]


def _many(node: Node) -> bool:
    return node.get("maxOccurs", "1") not in ("0", "1")


def _documentation(node: Node) -> str:
    """The first words that the XSD says of a node, on one line."""
    found = node.find(f"{_XS}annotation/{_XS}documentation")
    return " ".join("".join(found.itertext()).split()) if found is not None else ""
