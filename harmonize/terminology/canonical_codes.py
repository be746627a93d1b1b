"""Codes of a file as harmonize writes them, so that a look-up of the canonical code finds them.

Files write ICD codes without their dot, ORPHAcodes with a prefix, codes with a dagger behind them: `mappings/systems` says what all these
spellings stand for. What is no code of its system is a group (chapter, block) where codes lie below it, and is else left out and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harmonize.errors import InputError
from harmonize.terminology.build import Term
from harmonize.terminology.notation import Code, load_systems


class CanonicalCodes:
    """Codes of one system, as CURIEs. *notation* is a system, or an axis of one as `ICD9CM/diagnosis`.

    >>> name = CanonicalCodes("ICD10GM")
    >>> name("E119"), name("g63.2*"), name("A00-A09")
    ('ICD10GM:E11.9', 'ICD10GM:G63.2', 'ICD10GM:A00-A09')
    >>> list(name.wrong)
    ['ICD10GM:A00-A09']
    """

    def __init__(self, notation: str, *, curies: bool = False) -> None:
        self.system = notation.partition("/")[0]
        self.wrong: dict[str, str] = {}
        """What is no code of the system -> why."""
        self._notation = notation if notation in load_systems().notations else ""
        self._curies = curies
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """The code *text*. Where the file writes CURIEs, those of other systems stay as they are."""
        code = self._known.get(text)
        if code is None:
            code = self._known[text] = self._name(text)
        return code

    def _name(self, text: str) -> str:
        plain = self._prefixed(text)
        if not self._notation or not plain.startswith(f"{self.system}:"):
            return plain
        code = load_systems().parse(text, self._notation)
        if isinstance(code, Code):
            return str(code)
        self.wrong[plain] = code.reason
        return plain

    def _prefixed(self, text: str) -> str:
        return text if self._curies or text.startswith(f"{self.system}:") else f"{self.system}:{text}"

    def rename(self, term: Term) -> Term:
        """*term*, with all its codes as we write them; its alternatives stay other spellings."""
        term.code = self(term.code)
        term.alternatives[:] = [self._prefixed(code) for code in term.alternatives]
        for codes in (term.replaced_by, term.consider, term.parents, term.ancestors):
            if codes:
                codes[:] = [self(code) for code in codes]
        return term


def without_strays(
    terms: Sequence[Term], wrong: Mapping[str, str], rows: Mapping[str, int]
) -> tuple[list[Term], list[str]]:
    """The codes among *terms*, with the groups above them, and what has to be said of the others.

    *wrong*: what is no code -> why; *rows*: where it stands. Raises InputError where nothing is a code.
    """
    right = [term for term in terms if term.code not in wrong]
    if not right:
        raise InputError(
            f"none of its {len(terms)} codes is written as its system writes codes: {next(iter(wrong.values()))}",
            fix="check --system and the column of the codes",
        )
    if len(right) == len(terms):
        return right, []
    above = _above(right, {term.code: term for term in terms})
    groups = [term.code for term in terms if term.code in wrong and term.code in above]
    strays = [term.code for term in terms if term.code in wrong and term.code not in above]
    said = []
    if groups:
        said.append(
            f"{len(groups)} groups are no codes and are kept for what lies below them, such as {min(groups)[:60]}"
        )
    if strays:
        first = min(strays, key=lambda code: (rows.get(code, 0), code))
        row = f", row {rows[first]}" if rows.get(first) else ""
        said.append(
            f"{len(strays)} rows hold no code of the system and are left out: {first[:60]}{row} ({wrong[first]})"
        )
    return [term for term in terms if term.code not in wrong or term.code in above], said


def _above(terms: Iterable[Term], by_code: Mapping[str, Term]) -> set[str]:
    """All that lies above one of *terms*."""
    waiting, above = list(terms), set[str]()
    while waiting:
        term = waiting.pop()
        for code in (*term.parents, *(term.ancestors or ())):
            if code not in above:
                above.add(code)
                if code in by_code:
                    waiting.append(by_code[code])
    return above
