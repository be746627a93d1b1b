"""Objects of a hub record: plain dicts that remember which source row and which rule made them."""

from __future__ import annotations

from typing import Any


class HubObject(dict[str, Any]):
    """An object of the hub: a dict that orjson and jsonschema-rs take as it is.

    `source` is the source object (row) that it was derived from and `derivation` the compiled class derivation;
    both are None for objects that were read from a file. They answer which cells made a slot.

    >>> HubObject(value="1985", precision="year").source is None
    True
    """

    __slots__ = ("derivation", "source")

    source: Any
    derivation: Any

    def __getattr__(self, name: str) -> Any:
        """None where nothing was set: an `__init__` would cost a third of the time that the plan takes."""
        if name in HubObject.__slots__:
            return None
        raise AttributeError(name)


def hub_object(value: Any) -> Any:
    """The plain JSON *value* with every dict turned into a `HubObject`, for records that were read from a file."""
    if isinstance(value, dict):
        return HubObject({key: hub_object(item) for key, item in value.items()})
    if isinstance(value, list):
        return [hub_object(item) for item in value]
    return value
