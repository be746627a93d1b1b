"""Code maps as a profile uses them: which sets, which predicates and confidence it accepts, over which systems.

Without a target system the rows are read from their subject to whatever they lead to, as a set that a profile carries says them. With one
(`to`) they are read in both directions, over the systems of `through`, and the answer carries the weakest predicate on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harmonize.terminology.code_map_files import load_set
from harmonize.terminology.code_maps import CodeMaps, Translation
from harmonize.terminology.sssom import Ambiguous, Mapped, NotMapped


@dataclass(frozen=True, slots=True)
class MapPolicy:
    """What profile.yaml says of one of its code maps."""

    sets: tuple[Path, ...]
    predicates: tuple[str, ...] = ()
    """Best first; empty: those of the profile."""
    minimum_confidence: float = 0
    to: str = ""
    through: tuple[str, ...] = ()


class ProfileCodeMap:
    """The sets of a policy, opened."""

    def __init__(self, policy: MapPolicy) -> None:
        self.policy = policy
        self.maps = CodeMaps([load_set(path) for path in policy.sets])
        self.id = " ".join(one.id for one in self.maps.sets)

    def digests(self) -> list[dict[str, str]]:
        """Id, version and digest of every set, for manifests."""
        return [{"id": one.id, "version": one.version, "source_sha256": one.sha256} for one in self.maps.sets]

    def translate(self, code: str, predicates: Sequence[str], outcome: str = "") -> Mapped | Ambiguous | NotMapped:
        """The target of the CURIE *code* by the first of the policy's predicates, or of *predicates* where it has none."""
        answer = self.answer(code, predicates, outcome)
        codes = tuple(sorted({target.code for target in answer.targets}))
        if answer.status == "mapped":
            target = answer.targets[0]
            row = target.rows[0] if len(target.rows) == 1 else None
            return Mapped(target.code, target.predicate, target.mapping_set, row)
        if codes:
            return Ambiguous(codes, self.id, together=answer.status == "combination")
        return NotMapped(answer.reason, self.id, by_design=answer.by_design)

    def knows(self, code: str) -> bool:
        """Whether a row of the sets begins, or ends, with the CURIE *code*."""
        return any(one.forwards(code) or one.backwards(code) for one in self.maps.sets)

    def answer(self, code: str, predicates: Sequence[str], outcome: str = "") -> Translation:
        """As `translate`, with everything that is known of the targets."""
        policy = self.policy
        return self.maps.translate(
            code,
            policy.to,
            predicates=policy.predicates or predicates,
            through=policy.through,
            minimum_confidence=policy.minimum_confidence,
            outcome=outcome,
        )
