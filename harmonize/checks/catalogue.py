"""The rules and their texts, as data (`rules.yaml`): what a rule checks, why, how, how to mend it, what it means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harmonize.errors import SpecificationError, UnknownNameError
from harmonize.findings import Severity
from harmonize.terminology.strict_yaml import load_strict_yaml

FAMILIES = ("source", "mapping", "dataset", "target", "completeness", "plausibility", "accounting", "privacy")
STAGES = ("conversion", "hub", "fhir-r4", "phenopackets", "dataset", "mappings")
"""When rules are checked: while a source is converted; on documents of a format, ours or others' (`validate`, `report build`); on records
of a data set (`validate --as hmd`, `report build`); on mapping sets (`mappings lint`)."""
_FILE = Path(__file__).parent / "rules.yaml"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. Its id never changes.

    `what` it checks, `why` it matters, `how` it is computed, how to `mend` it (for those who build the data flow) and
    what it `means` for those who use the data. `needs` names the code systems without which it is not checked, `source` where
    it is from.
    """

    id: str
    family: str
    severity: Severity
    title: str
    what: str
    why: str
    how: str
    mend: str
    means: str
    needs: tuple[str, ...] = ()
    stages: tuple[str, ...] = ("conversion",)
    """When it is checked, of STAGES."""
    source: str = ""

    @property
    def fix(self) -> str:
        """The short advice that findings carry."""
        return self.mend


@cache
def rules() -> Mapping[str, Rule]:
    """All rules by id.

    >>> rules()["terms.obsolete"].family
    'mapping'
    """
    tree, _ = load_strict_yaml(_FILE, name=_FILE.name)
    return {rule_id: _rule(rule_id, body) for rule_id, body in sorted(tree.items())}


def _rule(rule_id: str, body: Mapping[str, Any]) -> Rule:
    stages = tuple(body.get("stages", ("conversion",)))
    if not set(stages) <= set(STAGES):
        raise SpecificationError(f"{rule_id}: stages are of {', '.join(STAGES)}", file=_FILE.name)
    needs = tuple(body.get("needs", ()))
    return Rule(rule_id, **{**body, "severity": Severity(body["severity"]), "stages": stages, "needs": needs})


def rule(rule_id: str) -> Rule:
    """The rule *rule_id*. Raises UnknownNameError."""
    known = rules().get(rule_id)
    if known is None:
        raise UnknownNameError("rule", rule_id, rules())
    return known


def not_checked(stage: str, installed: Collection[str]) -> list[str]:
    """The rules of *stage* that need code systems which are not *installed*: not checked, never passed.

    >>> "plausibility.excluded-ancestor" in not_checked("hub", ["MONDO"])
    True
    """
    missing = [known for known in rules().values() if stage in known.stages and not set(known.needs) <= set(installed)]
    return sorted(known.id for known in missing)
