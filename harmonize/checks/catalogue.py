"""The rules and their texts, as data (`rules.yaml`): what a rule checks, why, how, how to mend it, what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harmonize.errors import UnknownNameError
from harmonize.findings import Severity
from harmonize.terminology.strict_yaml import load_strict_yaml

FAMILIES = ("source", "mapping", "dataset", "target", "completeness", "plausibility", "accounting", "privacy")
_FILE = Path(__file__).parent / "rules.yaml"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. Its id never changes.

    `what` it checks, `why` it matters, `how` it is computed, how to `mend` it (for those who build the data flow) and
    what it `means` for those who use the data.
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
    return {
        rule_id: Rule(rule_id, **{**body, "severity": Severity(body["severity"])})
        for rule_id, body in sorted(tree.items())
    }


def rule(rule_id: str) -> Rule:
    """The rule *rule_id*. Raises UnknownNameError."""
    known = rules().get(rule_id)
    if known is None:
        raise UnknownNameError("rule", rule_id, rules())
    return known
