"""Every ValueSet of FHIR R4: read, compiled, and those that list their codes hold exactly these."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from harmonize.errors import SpecificationError
from harmonize.terminology.notation import load_systems
from harmonize.terminology.store import Terminologies
from harmonize.terminology.value_set_definition import Definition, curie_of, value_set_of
from harmonize.terminology.value_sets import Membership, ValueSets
from tests.shared_data import SHARED

FILE = SHARED / "targets" / "fhir-r4" / "valuesets-codesystems-noSCT-noLOINC.json.gz"
PREFIXES = {
    uri: name
    for name, system in load_systems().items()
    if system.fhir
    for uri in (system.fhir.uri, *system.fhir.accepted)
}


def resources(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("resourceType") == "ValueSet":
            yield value
        for inner in value.values():
            yield from resources(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from resources(inner)


@cache
def value_sets() -> tuple[dict[str, Any], ...]:
    if not FILE.exists():
        pytest.skip(f"{FILE} is not there")
    return tuple(resources(json.loads(gzip.decompress(FILE.read_bytes()))))


@cache
def definitions() -> tuple[tuple[Definition, dict[str, Any]], ...]:
    """Those that are understood."""
    made = []
    for resource in value_sets():
        try:
            made.append((value_set_of(resource), resource))
        except SpecificationError as error:
            assert "is not understood" in error.what
    return tuple(made)


def test_nearly_all_are_understood() -> None:
    assert len(value_sets()) > 500
    assert len(value_sets()) - len(definitions()) <= 5, "filters on properties of code systems that are not installed"


def test_those_that_list_their_codes_hold_exactly_these() -> None:
    sets = ValueSets(Terminologies.installed(), (definition for definition, _ in definitions()))
    compared = 0
    for definition, resource in definitions():
        compose = resource.get("compose", {})
        includes = compose.get("include", [])
        if (
            compose.get("exclude")
            or not includes
            or any("filter" in i or "valueSet" in i or "concept" not in i for i in includes)
        ):
            continue
        listed = {
            curie_of(load_systems(), PREFIXES.get(include["system"], include["system"]), concept["code"])
            for include in includes
            for concept in include["concept"]
        }
        made = sets.compiled(definition)
        assert made.members == listed and made.closed and not made.unsure
        assert made.membership("HP:0000000") is Membership.NO
        compared += 1
    assert compared > 30


def test_no_set_says_no_to_a_code_of_a_system_that_is_not_installed() -> None:
    sets = ValueSets(Terminologies.installed(), (definition for definition, _ in definitions()))
    asked = 0
    for definition, resource in definitions():
        compose = resource.get("compose", {})
        for include in compose.get("include", []):
            uri = include.get("system", "")
            whole = not any(name in include for name in ("concept", "filter", "valueSet"))
            if whole and uri not in PREFIXES and not compose.get("exclude"):
                assert sets.compiled(definition).membership(f"{uri}|anything") is Membership.NOT_CHECKED
                asked += 1
    assert asked > 100
