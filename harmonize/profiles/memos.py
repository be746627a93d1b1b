"""Answers of functions that are kept: records repeat their texts, and a dict answers fastest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harmonize.profiles.coded_values import CACHE_LIMIT
from harmonize.profiles.expressions import Call, Constant, Path
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


class MemoOfMixed(Memo):
    """Answers of a function by those of its arguments that are texts; the constants are all arguments, None where a text stands."""

    def _answer(self, text: Any) -> Any:
        texts = iter(text)
        return self.function(*(next(texts) if fixed is None else fixed for fixed in self.constants))


def memo_of(call: Call) -> tuple[type[Memo], tuple[Any, ...]] | None:
    """The kind of memo that keeps the answers of *call* by its texts, and its constants; None where other calls stand in it, or no text.

    >>> from harmonize.profiles.expressions import parse_expression
    >>> memo_of(parse_expression("f(a, 'c', b)"))
    (<class 'harmonize.profiles.memos.MemoOfMixed'>, (None, 'c', None))
    """
    texts = sum(isinstance(argument, Path) for argument in call.arguments)
    fixed = tuple(argument.value if isinstance(argument, Constant) else None for argument in call.arguments)
    if not texts or fixed.count(None) > texts:
        return None
    if any(constant is not None for constant in fixed[:texts]):
        return MemoOfMixed, fixed
    return (Memo if texts == 1 else MemoOfSeveral), fixed[texts:]
