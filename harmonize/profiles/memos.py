"""Answers of functions that are kept: records repeat their texts, and a dict answers fastest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harmonize.profiles.coded_values import CACHE_LIMIT
from harmonize.profiles.notes import Noted


def checked(function: Callable[..., Any], check: Callable[[Mapping[str, Any]], None]) -> Callable[..., Any]:
    """*function*, whose distinct answers are checked once each; they are shared, so their identity tells them apart."""
    known: dict[int, Any] = {}

    def answer(*arguments: Any) -> Any:
        given = function(*arguments)
        value = given.value if given.__class__ is Noted else given
        if value.__class__ is dict and id(value) not in known:
            check(value)
            if len(known) >= CACHE_LIMIT:
                known.clear()
            known[id(value)] = value
        return given

    return answer


class Memo(dict[Any, Any]):
    """Answers of a function by its first argument; the others are fixed. Emptied when it is full."""

    def __init__(
        self,
        function: Callable[..., Any],
        constants: tuple[Any, ...],
        check: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        super().__init__()
        self.check = check
        self.function, self.constants = getattr(function, "__wrapped__", function), constants

    def __missing__(self, text: Any) -> Any:
        if len(self) >= CACHE_LIMIT:
            self.clear()
        answer = self._answer(text)
        if self.check is not None:
            value = answer.value if answer.__class__ is Noted else answer
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    self.check(one)
        self[text] = answer
        return answer

    def _answer(self, text: Any) -> Any:
        return self.function(text, *self.constants)


class MemoOfSeveral(Memo):
    """Answers of a function by its first arguments, which are several; the others are fixed."""

    def _answer(self, text: Any) -> Any:
        return self.function(*text, *self.constants)
