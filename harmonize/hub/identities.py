"""What hub objects say as one text: the ground of ids that are the same in the next release."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harmonize.extensions import extension
from harmonize.hub.objects import HubObject


class Identities:
    """What hub objects say, without labels, editions and translations: the ground of ids that outlive a release.

    Coded values and dates are shared by the records that state them, so their texts are kept, up to a limit.

    >>> Identities().of(HubObject(type={"codings": [{"code": "HP:1", "label": "A"}]}, excluded=True))
    "{'type': HP:1, 'excluded': True}"
    """

    LIMIT = 100_000
    of: Callable[[Any], str]
    """The text for a value."""

    def __init__(self) -> None:
        compiled = extension("harmonize.hub.identity_texts")
        self._known: dict[int, tuple[Any, str]] = {}
        self.of = compiled.IdentityTexts(self.LIMIT).of if compiled is not None else self._of

    def _of(self, value: Any) -> str:
        if isinstance(value, HubObject) and "codings" not in value:
            return self._of_object(value)
        if isinstance(value, dict):
            known = self._known.get(id(value))
            if known is None:
                if len(self._known) >= self.LIMIT:
                    self._known.clear()
                known = self._known[id(value)] = (
                    value,
                    self._of_value(value),
                )  # holds it, so that its id stays its own
            return known[1]
        if isinstance(value, list):
            return "[" + ", ".join(map(self._of, value)) + "]"
        return repr(value)

    def _of_object(self, value: HubObject) -> str:
        known, parts = self._known, []
        for name, item in value.items():
            if item.__class__ is str:
                parts.append(f"{name!r}: {item!r}")
            else:
                shared = known.get(id(item))
                parts.append(f"{name!r}: {self._of(item) if shared is None else shared[1]}")
        return "{" + ", ".join(parts) + "}"

    def _of_value(self, value: Mapping[str, Any]) -> str:
        if "codings" in value:
            stated = [coding["code"] for coding in value["codings"] if coding.get("origin") != "mapped"]
            return " ".join(stated or [coding["code"] for coding in value["codings"]])
        return "{" + ", ".join(f"{name!r}: {self.of(item)}" for name, item in value.items()) + "}"
