"""Which requests a fault befalls: rules from a JSON file."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmscope.engine import rules_file
from glmscope.engine.fault import Fault, FaultError, known_error
from glmscope.errors import UsageError
from glmscope.names import check_known

_LONGEST_MS = 3_600_000
_STATUSES = range(400, 600)
_LONGEST_RETRY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as rules see it."""

    question: str
    """Its last message, or the text that it wants continued."""
    model: str
    key: str | None = None
    """The name of the key it came with; None where none was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """A fault, and the requests that meet it: those for which everything given here holds."""

    fault: Fault
    match: tuple[str, ...] = ()
    """Strings that the question must all contain."""
    model: str | None = None
    key: str | None = None
    nth: tuple[int, ...] = ()
    """Which of the requests that fit so far, counted from 1; with none, all of them."""
    probability: float = 1.0

    def fits(self, asked: Asked) -> bool:
        """Whether a request is of the kind that this rule counts."""
        return (
            all(text in asked.question for text in self.match)
            and self.model in (None, asked.model)
            and self.key in (None, asked.key)
        )


class FaultPlan:
    """Rules in order: the first one that strikes a request decides its fault.

    A file is a JSON object `{"rules": [...]}`, with `"seed"` (an integer, 0 by default) where
    rules have a `probability`: the same requests in the same order then meet the same faults. Each
    rule may have `match` (a string or a list), `model`, `key`, `nth` (an integer or a list) and
    `probability`, as described at `FaultRule`, and has at least one of the fields of `Fault`.
    """

    def __init__(self, rules: tuple[FaultRule, ...], seed: int = 0) -> None:
        self.rules = rules
        self._counts = [0] * len(rules)
        self._drawn = random.Random(seed)  # noqa: S311 (accidents, no secret)
        self._lock = threading.Lock()

    @classmethod
    def from_file(cls, path: Path) -> FaultPlan:
        """Read a plan. Raises UsageError naming the file and what is wrong with it."""
        return cls.from_json(rules_file.read_text(path, "fault plan"), str(path))

    @classmethod
    def from_json(cls, text: str, source: str) -> FaultPlan:
        """Parse a plan; `source` names it in errors. Raises UsageError."""
        document = rules_file.parse(text, f"The fault plan {source}", ["seed"])
        seed = document.get("seed", 0)
        if not _is_integer(seed):
            raise UsageError(f'"seed" must be an integer in the fault plan {source}.')
        return cls(
            tuple(
                _rule(rule, f"rule {number} of the fault plan {source}")
                for number, rule in enumerate(document["rules"], start=1)
            ),
            seed,
        )

    def strike(self, asked: Asked) -> Fault | None:
        """The fault that this request meets, if any. Safe to call from any thread."""
        with self._lock:
            for index, rule in enumerate(self.rules):
                if not rule.fits(asked):
                    continue
                self._counts[index] += 1
                if rule.nth and self._counts[index] not in rule.nth:
                    continue
                if self._drawn.random() < rule.probability:
                    return rule.fault
        return None


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field of the file may hold, in words and as a check."""

    wanted: str
    allows: Callable[[Any], bool]
    read: Callable[[Any], Any] = lambda value: value


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _within(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    )


def _listed(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: all(map(check, value)) if isinstance(value, list) else check(value)


def _tuple(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - checked before
    return tuple(value) if isinstance(value, list) else (value,)


_TEXT = _Field("a string", _is_text)
_COUNT = _Field("an integer of at least 0", lambda value: _is_integer(value) and value >= 0)
_MILLISECONDS = _Field(f"a number of milliseconds from 0 to {_LONGEST_MS}", _within(0, _LONGEST_MS))
_CONDITIONS = {
    "match": _Field("a string or a list of strings", _listed(_is_text), _tuple),
    "model": _TEXT,
    "key": _TEXT,
    "nth": _Field(
        "an integer of at least 1, or a list of them",
        _listed(lambda value: _is_integer(value) and value >= 1),
        _tuple,
    ),
    "probability": _Field("a number from 0 to 1", _within(0, 1)),
}
_EFFECTS = {
    "error": _Field("an object", lambda value: isinstance(value, dict)),
    "error_after": _COUNT,
    "hang_ms": _MILLISECONDS,
    "first_token_ms": _MILLISECONDS,
    "token_ms": _MILLISECONDS,
    "drop_after": _COUNT,
    "end_after": _COUNT,
    "malformed": _Field("true or false", lambda value: isinstance(value, bool)),
}
_ERROR = {
    "code": _TEXT,
    "status": _Field("an integer from 400 to 599", lambda value: value in _STATUSES),
    "message": _TEXT,
    "retry_after": _Field(
        f"a whole number of seconds from 0 to {_LONGEST_RETRY_SECONDS}",
        lambda value: _is_integer(value) and 0 <= value <= _LONGEST_RETRY_SECONDS,
    ),
}


def _rule(value: object, where: str) -> FaultRule:
    given = _read(value, {**_CONDITIONS, **_EFFECTS}, where)
    if not given.keys() & _EFFECTS.keys():
        raise UsageError(f"No fault in {where}: it needs one of {', '.join(_EFFECTS)}.")
    if "error" in given:
        given["error"] = _error(given["error"], where)
    effects = {name: given.pop(name) for name in list(given) if name in _EFFECTS}
    return FaultRule(fault=Fault(**effects), **given)


def _error(value: Mapping[str, object], where: str) -> FaultError:
    error = FaultError(**_read(value, _ERROR, f'"error" in {where}'))
    if error.status is None and known_error(error.code) is None:
        raise UsageError(f'"{error.code}" is no code of ours: give a "status" too, in {where}.')
    return error


def _read(value: object, allowed: Mapping[str, _Field], where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"Not an object: {where}.")
    check_known(value, allowed, f"In {where}: unknown name")
    for name, each in value.items():
        if not allowed[name].allows(each):
            raise UsageError(f'"{name}" must be {allowed[name].wanted} in {where}.')
    return {name: allowed[name].read(each) for name, each in value.items()}
