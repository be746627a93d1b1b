"""The rules and their texts, as data (`rules.yaml`): what a rule checks, why, how, how to mend it, what it means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    what it `means` for those who use the data. `needs` names the code systems without which it is not checked, `only` the verb
    that runs it where not every verb does, `source` where it is from.
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
    only: str = ""
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
    return {
        rule_id: Rule(
            rule_id, **{**body, "severity": Severity(body["severity"]), "needs": tuple(body.get("needs", ()))}
        )
        for rule_id, body in sorted(tree.items())
    }


def rule(rule_id: str) -> Rule:
    """The rule *rule_id*. Raises UnknownNameError."""
    known = rules().get(rule_id)
    if known is None:
        raise UnknownNameError("rule", rule_id, rules())
    return known


def not_checked(verb: str, installed: Collection[str]) -> list[str]:
    """The rules that *verb* does not check with the code systems that are *installed*: not checked, never passed.

    >>> "plausibility.excluded-ancestor" in not_checked("validate", ["MONDO"])
    True
    """
    missing = [
        rule for rule in rules().values() if rule.only not in ("", verb) or not set(rule.needs) <= set(installed)
    ]
    return sorted(rule.id for rule in missing)
