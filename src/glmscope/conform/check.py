"""What a check is, and how it says that something does not hold."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from glmscope.conform.table import ROWS


class MismatchError(Exception):
    """The server does not do what the protocol says; the message tells what it did."""


class Skip(Exception):  # noqa: N818 (it is none)
    """The check cannot be made here; the message tells why."""


class Lane(enum.Enum):
    """Who carries a check out."""

    WIRE = "raw"
    PYTHON = "python"
    JAVA = "java"


_LETTERS = {Lane.WIRE: "RW", Lane.PYTHON: "P", Lane.JAVA: "J"}


@dataclass(frozen=True, slots=True)
class Check:
    """A check that can be run: `body` takes a Target on the wire, an Sdk otherwise.

    It returns when all is well, and raises MismatchError or Skip; any other exception counts as a
    mismatch too, because an answer that cannot be read is one.
    """

    number: int
    lane: Lane
    body: Callable[[Any], None]
    needs_script: bool
    """Whether the server has to play the conformance script, so that replies are known."""
    alone: bool
    """Whether other checks would disturb it, or be disturbed."""


CHECKS: list[Check] = []
"""Filled by the modules of `checks/` as they are imported."""

_Body = TypeVar("_Body", bound=Callable[[Any], None])


def wire(
    number: int, *, needs_script: bool = False, alone: bool = False
) -> Callable[[_Body], _Body]:
    """Register the raw half of check `number`: a function of a Target."""
    return _register(number, (Lane.WIRE,), needs_script, alone)


def sdk(
    number: int, *, needs_script: bool = False, alone: bool = False
) -> Callable[[_Body], _Body]:
    """Register check `number` for those SDKs that the table names: a function of an Sdk."""
    return _register(number, (Lane.PYTHON, Lane.JAVA), needs_script, alone)


def _register(
    number: int, lanes: tuple[Lane, ...], needs_script: bool, alone: bool
) -> Callable[[_Body], _Body]:
    who = ROWS[number - 1].who

    def add(body: _Body) -> _Body:
        for lane in lanes:
            if set(who) & set(_LETTERS[lane]):
                CHECKS.append(Check(number, lane, body, needs_script, alone))
        return body

    return add


def letters(number: int, lane: Lane) -> str:
    """The letters of the table's "who" that `lane` stands for, such as `W R`."""
    return " ".join(letter for letter in ROWS[number - 1].who.split() if letter in _LETTERS[lane])


def expect(holds: object, otherwise: str) -> None:
    """Raise MismatchError with the sentence `otherwise` unless `holds`."""
    if not holds:
        raise MismatchError(otherwise)


def equal(actual: object, wanted: object, what: str) -> None:
    """Raise MismatchError that names both values unless they are equal."""
    if actual != wanted:
        raise MismatchError(f"{what}: {_short(actual)}, wanted {_short(wanted)}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]}…{text[-30:]}"
