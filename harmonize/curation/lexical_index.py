"""The names of a code system by their words, to find the terms that a label may mean. Nothing is learnt and nothing is guessed:
the same names give the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from harmonize.terminology.store import normalise

_ENDINGS = ("es", "en", "s", "n", "e")
"""Of plurals in English, German, Dutch, French; one of them is cut where four letters stay."""
_DIGRAPHS = (("ae", "e"), ("oe", "e"))
"""Haemoglobin and hemoglobin, oesophagus and esophagus: what most labels of WHO and US editions of the ICD differ in."""
_LEAST = 0.4
"""The part of the words, weighed by how rare they are, that two names must share."""
_RARE = 2_000
"""Names that a word may stand in to be looked up; more frequent ones are weighed and look nothing up."""

EXACT_KINDS = frozenset({"exact", "alias"})


class Match(NamedTuple):
    """A name of a term that is alike. `score` is 1 for the same words, else the weighed part of the words that both have."""

    code: str
    kind: str
    text: str
    score: float
    same_name: bool
    """Whether it is the same but for case, blanks and punctuation; else, at a score of 1, its words are."""
    label_has_more: bool
    """Whether the label that was asked for has all words of the name, and others."""
    name_has_more: bool


def stem(word: str) -> str:
    """*word* without what spellings and plurals differ in. Too much is cut rather than too little: it only ranks.

    >>> stem("haemorrhages"), stem("hemorrhage"), stem("nieren")
    ('hemorrhag', 'hemorrhag', 'nier')
    """
    for digraph, letter in _DIGRAPHS:
        word = word.replace(digraph, letter)
    for _ in range(2):  # haemorrhage-s, then haemorrhag-e
        ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= 4), "")
        word = word.removesuffix(ending)
    return word


class LexicalIndex:
    """Names of terms by their words and stems."""

    def __init__(self, named: Iterable[tuple[str, str, str]]) -> None:
        """*named*: (code, kind, text), as `CodeSystemStore.named` gives them."""
        self._names = list(named)
        self._norms: dict[str, list[int]] = {}
        self._stems: list[frozenset[str]] = []
        self._having: dict[str, list[int]] = {}
        for number, (_, _, text) in enumerate(self._names):
            norm = normalise(text)
            self._norms.setdefault(norm, []).append(number)
            stems = frozenset(map(stem, norm.split()))
            self._stems.append(stems)
            for one in stems:
                self._having.setdefault(one, []).append(number)

    def __len__(self) -> int:
        return len(self._names)

    def matches(self, label: str) -> list[Match]:
        """The best match of each term that is alike, best first: the same name, the same words, enough words in common.

        >>> index = LexicalIndex([("HP:0001250", "label", "Seizure"), ("HP:0002069", "label", "Bilateral tonic-clonic seizure")])
        >>> [(match.code, match.score) for match in index.matches("seizures")]
        [('HP:0001250', 1.0)]
        """
        norm = normalise(label)
        stems = frozenset(map(stem, norm.split()))
        if not stems:
            return []
        same = self._norms.get(norm, [])
        alike = {number for one in stems if len(having := self._having.get(one, ())) <= _RARE for number in having}
        found = [self._match(number, stems, same_name=True) for number in same]
        found += [self._match(number, stems, same_name=False) for number in sorted(alike - set(same))]
        best: dict[str, Match] = {}
        for match in sorted((m for m in found if m.score >= _LEAST), key=_rank):
            best.setdefault(match.code, match)
        return list(best.values())

    def _match(self, number: int, stems: frozenset[str], *, same_name: bool) -> Match:
        code, kind, text = self._names[number]
        theirs = self._stems[number]
        shared = self._weight(stems & theirs)
        score = 1.0 if same_name else shared / self._weight(stems | theirs)
        return Match(code, kind, text, round(score, 4), same_name, theirs < stems, stems < theirs)

    def _weight(self, stems: Iterable[str]) -> float:
        """How much words tell together: a word that stands in few names tells more."""
        whole = len(self._names) + 1
        return sum(math.log(1 + whole / (1 + len(self._having.get(one, ())))) for one in sorted(stems))


def _rank(match: Match) -> tuple[object, ...]:
    kinds = 0 if match.kind == "label" else 1 if match.kind in EXACT_KINDS else 2
    return -match.score, not match.same_name, kinds, len(match.text), match.code
