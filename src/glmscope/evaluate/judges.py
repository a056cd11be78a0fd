"""Is an answer right? One judge for each kind of question; a verdict is a set of criteria."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from glmscope.evaluate.ask import Answer
from glmscope.evaluate.checks import ROUNDS
from glmscope.evaluate.loops import find_loop
from glmscope.evaluate.run_code import fenced_code, last_number, run_code
from glmscope.text.reply import BrokenCall, RawCall, ToolCall

INTERPRETER = "interpreter"
"""What an interpreter turn names in its metadata (model specification, section 8.2)."""

_ENGLISH_SHARE = 0.8
"""Of the letters of an English answer; the rest may be a name in its own script."""
_NUMBER_TOLERANCE = 1e-6
"""Relative: rounding of binary fractions, and no more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which criteria hold. A criterion that does not concern the question is not there."""

    holds: Mapping[str, bool]
    note: str = ""
    """Why one does not hold, where the answer itself does not show it."""


Judge: TypeAlias = Callable[[Answer], Verdict]


def judge(answer: Answer) -> Verdict:
    """The kind's own criteria, and those of every answer: it `ended`, it has `no loop`."""
    own = _JUDGES[answer.check.kind](answer)
    common = {"ended": answer.ended, "no loop": find_loop(answer.ids) is None}
    return Verdict({**own.holds, **common}, own.note)


def _describes(answer: Answer) -> Verdict:
    """A text of `min_chinese` characters that names one of `about`, ends and does not loop."""
    expect, text = answer.check.expect, answer.text
    chinese = sum("\u4e00" <= char <= "\u9fff" for char in text)
    failures = {
        f"{chinese} Chinese characters": chinese < expect["min_chinese"],
        "another subject": not _names_any(text, expect["about"]),
        "not ended": not answer.ended,
        "a loop": find_loop(answer.ids) is not None,
    }
    note = ", ".join(reason for reason, failed in failures.items() if failed)
    return Verdict({"right": not note}, note)


def _says_any(answer: Answer) -> Verdict:
    return Verdict({"right": _names_any(answer.text, answer.check.expect["any"])})


def _is_english(answer: Answer) -> Verdict:
    letters = [char for char in answer.text if char.isalpha()]
    ascii_letters = sum(char.isascii() for char in letters)
    return Verdict({"right": ascii_letters > 0 and ascii_letters >= _ENGLISH_SHARE * len(letters)})


def _calls_tool(answer: Answer) -> Verdict:
    """Well formed: a readable call of a tool that was offered. Right arguments: of the right one.

    Where no call is expected, only that there is none counts.
    """
    turn, expected = answer.turn.answer, answer.check.expect["call"]
    if expected is None:
        return Verdict({"no call": isinstance(turn, str)})
    well_formed = isinstance(turn, ToolCall) and turn.name in answer.check.offered
    right = isinstance(turn, ToolCall) and well_formed and turn.name == expected["name"]
    same = isinstance(turn, ToolCall) and _equal(turn.parameters, expected["arguments"])
    return Verdict(
        {"well formed": well_formed, "right function": right, "right arguments": right and same},
        f"broken call: {turn.reason}" if isinstance(turn, BrokenCall) else "",
    )


def _computes(answer: Answer) -> Verdict:
    """The code that the turn calls the interpreter with runs, and prints the number last."""
    turn = answer.turn.answer
    if not isinstance(turn, RawCall) or turn.name != INTERPRETER:
        return Verdict({"right": False}, "no interpreter turn")
    code = fenced_code(turn.content)
    if code is None:
        return Verdict({"right": False}, "no fenced code")
    result = run_code(code)
    if result.failure:
        return Verdict({"right": False}, result.failure)
    printed = last_number(result.stdout)
    expected = float(answer.check.expect["number"])
    right = printed is not None and math.isclose(
        printed, expected, rel_tol=_NUMBER_TOLERANCE, abs_tol=_NUMBER_TOLERANCE
    )
    return Verdict({"right": right}, f"printed {printed}")


_JUDGES: dict[str, Judge] = {
    "page": _describes,
    "cities": _describes,
    ROUNDS: _describes,
    "city_follow_ups": _says_any,
    "follow_ups": _says_any,
    "identity": _says_any,
    "english": _is_english,
    "tools": _calls_tool,
    "interpreter": _computes,
}


def _names_any(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return any(word.casefold() in folded for word in words)


def _equal(found: Any, expected: Any) -> bool:  # noqa: ANN401 (JSON values)
    """Whether two JSON values are the same; 7 and 7.0 are, true and 1 are not."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            _equal(value, expected[key]) for key, value in found.items()
        )
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_equal, found, expected))
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    return bool(found == expected)
