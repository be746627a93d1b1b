"""Codes of a mapping set as harmonize writes them: another prefix (Orphanet, SCTID), another spelling, signs behind the code.

Large sets are named in bulk: codes of one prefix that are written as their system writes them are told in one pass over all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from harmonize.terminology.check_digits import CHECKS
from harmonize.terminology.notation import Code, NotACode, load_systems
from harmonize.terminology.patterns import fitting
from harmonize.terminology.sssom import MappingSet


class CodeNames:
    """Codes of one mapping set as harmonize writes them; what is no code of a system of ours stays as it is written."""

    def __init__(self, mapping_set: MappingSet | Mapping[str, str]) -> None:
        """*mapping_set*, or its curie_map: prefix -> start of the IRI."""
        self._iris = mapping_set.iris if isinstance(mapping_set, MappingSet) else mapping_set
        self._systems = load_systems()
        self._likely: dict[str, str] = {}
        """Prefix -> the system that its last code was of; a prefix may stand for several, as that of OBO does."""
        self._owners: dict[str, str] = {}
        """Prefix of a system of ours -> the system that its codes are of by the set's own curie_map."""
        self._memo: dict[str, Code | NotACode | None] = {}

    def __call__(self, curie: str) -> str:
        """*curie* in the canonical notation of its system."""
        code = self.parsed(curie)
        return str(code) if isinstance(code, Code) else curie

    def modifiers(self, curie: str) -> tuple[str, ...]:
        """Names of the signs that stand behind the code."""
        code = self.parsed(curie)
        return code.modifiers if isinstance(code, Code) else ()

    def why_not(self, curie: str) -> str | None:
        """Why *curie* is no code, where its prefix is of a system of ours."""
        code = self.parsed(curie)
        return code.reason if isinstance(code, NotACode) else None

    def parsed(self, curie: str) -> Code | NotACode | None:
        """The code that *curie* stands for; None where its prefix is of no system of ours."""
        if curie not in self._memo:
            self._memo[curie] = self._parse(curie)
        return self._memo[curie]

    def learn(self, curies: Iterable[str]) -> None:
        """Name many codes at once. What cannot be told in bulk is told when it is asked for; the answers are the same."""
        by_prefix: dict[str, list[str]] = {}
        for curie in dict.fromkeys(curies):
            prefix, _, local = curie.partition(":")
            by_prefix.setdefault(prefix, []).append(local)
        for prefix, codes in by_prefix.items():
            if prefix in self._systems:
                self._learn_as(prefix, self._owner(prefix, codes[0]), codes)
                continue
            first = self.parsed(f"{prefix}:{codes[0]}")
            if isinstance(first, Code) and first.local == codes[0]:  # written as the system does, behind another prefix
                self._learn_as(prefix, first.system, codes)
            elif first is None and not self._systems.knows_any(self._texts(prefix, codes)):
                self._memo.update((f"{prefix}:{local}", None) for local in codes)

    def _owner(self, prefix: str, local: str) -> str:
        """The system of the codes behind *prefix*, of which *local* is one: the set's curie_map may bind it to another than ours."""
        owner = self._owners.get(prefix)
        if owner is None:
            iri = self._iris.get(prefix, "")
            named = self._systems.by_fhir_uri.get(iri.rstrip("/#"))
            code = self._systems.of_any_iri(f"{iri}{local}") if iri and named is None else None
            owner = self._owners[prefix] = named or (code.system if isinstance(code, Code) else prefix)
        return owner

    def _texts(self, prefix: str, codes: Iterable[str]) -> Iterable[str]:
        start = self._iris.get(prefix, "")
        return (text.strip() for local in codes for text in (f"{prefix}:{local}", f"{start}{local}"))

    def _learn_as(self, prefix: str, system: str, codes: list[str]) -> None:
        notation = self._systems[system]
        found = fitting(notation.pattern, codes)
        if "upper" in notation.normalise:
            found = {local for local in found if local.upper() == local}
        if "lower" in notation.normalise:
            found = {local for local in found if local.lower() == local}
        if notation.check:
            found = {local for local in found if CHECKS[notation.check](local)}
        self._memo.update((f"{prefix}:{local}", Code(system, local)) for local in found)

    def _parse(self, curie: str) -> Code | NotACode | None:
        prefix, _, local = curie.partition(":")
        if prefix in self._systems:
            return self._systems.parse(local, self._owner(prefix, local))
        texts = (curie, f"{self._iris.get(prefix, '')}{local}")
        likely = self._likely.get(prefix)
        tried = (self._systems.parse_iri(text, (likely,)) for text in texts if likely)
        for code in chain(tried, map(self._systems.of_any_iri, texts)):
            if isinstance(code, Code):
                self._likely[prefix] = code.system
                return code
        return NotACode(f"{likely} writes codes otherwise") if likely else None
