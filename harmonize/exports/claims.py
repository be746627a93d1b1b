"""Claims about a JSON object that look downward only: what JSON Schema and SHACL can both say.

A claim is about an object, a scalar or a coding. Truth is two-valued: a slot that is not there fulfils every `Each` and
no `Some`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class All:
    """Every one of the claims; of none: always true."""

    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """At least one of the claims; of none: never true."""

    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """The claim is not true."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class If:
    """Where `when` is true, `then` is."""

    when: Claim
    then: Claim


@dataclass(frozen=True, slots=True)
class Each:
    """Every value of the slot fulfils the claim."""

    slot: str
    multivalued: bool
    claim: Claim


@dataclass(frozen=True, slots=True)
class Some:
    """At least so many values of the slot fulfil the claim."""

    slot: str
    multivalued: bool
    claim: Claim
    at_least: int = 1


@dataclass(frozen=True, slots=True)
class AtMost:
    """At most so many values of the list fulfil the claim."""

    slot: str
    claim: Claim
    number: int


@dataclass(frozen=True, slots=True)
class IsOneOf:
    """The scalar is one of the values."""

    values: tuple[str | bool, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """The whole text matches the pattern."""

    pattern: str


@dataclass(frozen=True, slots=True)
class CodeIs:
    """The coding's code is one of the CURIEs."""

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SystemIs:
    """The prefix of the coding's CURIE is one of these, and what follows has the form `local` where there is one."""

    systems: tuple[str, ...]
    local: str = ""


@dataclass(frozen=True, slots=True)
class IsFilled:
    """The text holds more than blanks."""


Claim = All | OneOf | Negated | If | Each | Some | AtMost | IsOneOf | Matches | CodeIs | SystemIs | IsFilled

ALWAYS: Claim = All(())
NEVER: Claim = OneOf(())


def every(claims: Iterable[Claim]) -> Claim:
    """All of *claims*, flat, without what is always true.

    >>> every([ALWAYS, Matches("a"), ALWAYS])
    Matches(pattern='a')
    >>> every([Matches("a"), NEVER]) == NEVER
    True
    """
    found: list[Claim] = []
    for claim in claims:
        for part in claim.claims if isinstance(claim, All) else (claim,):
            if part not in found:
                found.append(part)
    if NEVER in found:
        return NEVER
    return found[0] if len(found) == 1 else All(tuple(found))


def either(claims: Iterable[Claim]) -> Claim:
    """One of *claims*, flat, without what is never true."""
    found: list[Claim] = []
    for claim in claims:
        for part in claim.claims if isinstance(claim, OneOf) else (claim,):
            if part not in found:
                found.append(part)
    if ALWAYS in found:
        return ALWAYS
    return found[0] if len(found) == 1 else OneOf(tuple(found))


def negated(claim: Claim) -> Claim:
    """Not *claim*.

    >>> negated(negated(Matches("a"))), negated(ALWAYS) == NEVER
    (Matches(pattern='a'), True)
    """
    if claim == ALWAYS:
        return NEVER
    if claim == NEVER:
        return ALWAYS
    return claim.claim if isinstance(claim, Negated) else Negated(claim)


def implies(when: Claim, then: Claim) -> Claim:
    """Where *when* is true, *then* is; plain where one of them is settled."""
    if when == ALWAYS:
        return then
    if when == NEVER or then == ALWAYS:
        return ALWAYS
    return negated(when) if then == NEVER else If(when, then)


def each(slot: str, multivalued: bool, claim: Claim) -> Claim:
    """Every value of *slot* fulfils *claim*."""
    return ALWAYS if claim == ALWAYS else Each(slot, multivalued, claim)


def some(slot: str, multivalued: bool, claim: Claim, at_least: int = 1) -> Claim:
    """At least so many values of *slot* fulfil *claim*."""
    return NEVER if claim == NEVER else Some(slot, multivalued, claim, at_least)
