"""Documents of messages as no sender should write them: elements are lost, repeated, exchanged and merged under few identifiers."""

from __future__ import annotations

import copy
from random import Random

from lxml import etree

LOST, REPEATED, EXCHANGED = 0.02, 0.04, 0.06
"""How often each happens to an element."""


def corrupted_document(document: bytes, seed: int, identifiers: int) -> bytes:
    """*document* with flaws that *seed* tells; its subjects share so many *identifiers*."""
    random = Random(seed)
    root = etree.fromstring(document)
    texts: dict[str, list[str]] = {}
    for element in root.iter(etree.Element):
        if element.text and element.text.strip():
            texts.setdefault(element.tag, []).append(element.text)
    for element in [one for one in root.iter(etree.Element) if _is_in_a_subject(one)]:
        _corrupt(element, texts, random)
    for element in root.iter(etree.Element):
        if "Patient_ID" in element.attrib:
            element.set("Patient_ID", f"P{random.randrange(identifiers)}")
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _is_in_a_subject(element: etree._Element) -> bool:
    return any(above.tag.endswith("}Patient") for above in element.iterancestors())


def _corrupt(element: etree._Element, texts: dict[str, list[str]], random: Random) -> None:
    parent = element.getparent()
    if parent is None:
        return
    if random.random() < LOST:
        parent.remove(element)
    elif random.random() < REPEATED:
        element.addnext(copy.deepcopy(element))
    if element.text and element.tag in texts and random.random() < EXCHANGED:
        element.text = random.choice(texts[element.tag])
