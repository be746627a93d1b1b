"""Value sets: memberships a second, beside the frozen set that is under them, and compiling the largest system that ships."""

from __future__ import annotations

from collections.abc import Iterator

from harmonize.terminology.store import Terminologies
from harmonize.terminology.value_set_definition import Definition, Filter, Part
from harmonize.terminology.value_sets import CompiledValueSet, ValueSets
from tests.bench.result import Result, best, in_turns

ABNORMALITY = Definition("hp", "", "", (Part("HP", "", None, (Filter("concept", "is-a", "HP:0000118"),), ()),))
OPEN = Definition("open", "", "", (*ABNORMALITY.include, Part("SNOMEDCT", "", None, (), ())))
ICD10CM = Definition("icd", "", "", (Part("ICD10CM", "", None, (), ()),))
ASKED = ("HP:0001250", "HP:0002069", "HP:0000001", "MONDO:0007947", "HP:9999999", "HP:0001631", "nonsense", "HGNC:3603")


def bench_value_sets() -> Iterator[Result]:
    """A set below one code (18,700 codes), the same with a system that is not installed, and all of ICD-10-CM."""
    terms = Terminologies.installed()
    sets = ValueSets(terms)
    codes = list(ASKED) * 50_000
    for name, definition in (("closed", ABNORMALITY), ("with a system that is not installed", OPEN)):
        made = sets.compiled(definition)
        ours, plain = in_turns(
            lambda made=made: _ask(made, codes), lambda made=made: _plain(made.members, codes), rounds=5
        )  # type: ignore[misc]
        rate, ratio = len(codes) / ours, ours / plain
        figure = f"{rate / 1e6:.1f} million a second, {ratio:.1f} times a frozen set's time"
        yield Result(f"membership, {name}", figure, ">= 1 million, at most 10 times", rate >= 1e6 and ratio <= 10)
    store = terms.store("ICD10CM")
    assert store is not None
    compiling, reading = in_turns(lambda: ValueSets(terms).compiled(ICD10CM), lambda: list(store.terms()), rounds=3)
    figure = f"{compiling:.2f} s for 98,466 codes, {compiling / reading:.1f} times reading them"
    yield Result("compile a value set", figure, "at most 5 times reading", compiling <= 5 * reading)
    again = best(lambda: sets.compiled(ABNORMALITY), 5)
    yield Result("a value set that is compiled already", f"{again * 1e6:.0f} us", "< 1 ms", again < 1e-3)


def _ask(made: CompiledValueSet, codes: list[str]) -> None:
    membership = made.membership
    for code in codes:
        membership(code)


def _plain(members: frozenset[str], codes: list[str]) -> None:
    for code in codes:
        code in members  # noqa: B015 - what is measured
