"""Answers and measurements as figures, each beside what was wanted of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from glmscope.evaluate.ask import Answer
from glmscope.evaluate.checks import ROUNDS
from glmscope.evaluate.judges import Verdict
from glmscope.evaluate.perplexity import Perplexity
from glmscope.evaluate.speed import Speed
from glmscope.text.reply import ToolCall

Unit = Literal["%", "s", "tok/s", ""]
_OVERALL = "all"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a figure has to be: at least `value`, or below it."""

    kind: Literal["at least", "below"]
    value: float

    def holds(self, reached: float) -> bool:
        """Whether a figure is what it has to be; NaN never is."""
        return reached >= self.value if self.kind == "at least" else reached < self.value


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. Shares are 0 to 1 under the unit "%"."""

    what: str
    count: int
    """Answers, tokens or runs that it was taken from."""
    reached: float | None
    """None where nothing was there to measure."""
    unit: Unit
    wanted: Bound | None
    """None for a figure that is only told."""

    @property
    def passed(self) -> bool | None:
        """Whether the bound holds; None where there is none. What was not measured is a miss."""
        if self.wanted is None:
            return None
        return self.reached is not None and self.wanted.holds(self.reached)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A share of answers of a kind for which a criterion holds."""

    kind: str
    criterion: str
    what: str
    bound: Bound | None


_WANTED = (
    _Wanted("page", "right", "the page's question about 杭州", Bound("at least", 1.0)),
    _Wanted("cities", "right", "cities, in other wordings", Bound("at least", 0.80)),
    _Wanted("city_follow_ups", "right", "follow-ups about a city", Bound("at least", 0.80)),
    _Wanted("follow_ups", "right", "other follow-ups", Bound("at least", 0.80)),
    _Wanted("identity", "right", "identity", Bound("at least", 1.0)),
    _Wanted("english", "right", "English answered in English", Bound("at least", 0.95)),
    _Wanted("tools", "well formed", "tool calls: well formed", Bound("at least", 0.95)),
    _Wanted("tools", "right function", "tool calls: right function", Bound("at least", 0.90)),
    _Wanted("tools", "right arguments", "tool calls: right arguments", Bound("at least", 0.80)),
    _Wanted("tools", "no call", "no call where none is needed", Bound("at least", 0.90)),
    _Wanted("interpreter", "right", "interpreter: prints the number", Bound("at least", 0.85)),
    _Wanted(ROUNDS, "right", "cities, in ChatGLM2's rounds", None),
    _Wanted(_OVERALL, "ended", "ended by a stop id", Bound("at least", 0.99)),
)


@dataclass(frozen=True)
class Report:
    """What was asked and found; `kinds` tells which parts were wanted at all."""

    model: str
    kinds: frozenset[str]
    answers: Sequence[tuple[Answer, Verdict]] = ()
    served: Perplexity | None = None
    fp32: Perplexity | None = None
    speed: Speed | None = None

    @property
    def passed(self) -> bool:
        """Whether no figure misses what was wanted of it."""
        return all(figure.passed is not False for figure in self.figures)

    def as_json(self) -> dict[str, Any]:
        """Everything, with every single answer, as JSON values."""
        return {
            "model": self.model,
            "figures": [{**asdict(each), "passed": each.passed} for each in self.figures],
            "answers": [_answer_json(*each) for each in self.answers],
        }

    @cached_property
    def figures(self) -> list[Figure]:
        """The lines of the table."""
        figures = [
            self._share(row)
            for row in _WANTED
            if row.kind in self.kinds or (row.kind == _OVERALL and self.answers)
        ]
        if self.answers:
            figures.append(self._looping())
        if "perplexity" in self.kinds:
            figures += _perplexity_figures(self.served, self.fp32)
        if self.speed is not None:
            figures += _speed_figures(self.speed)
        return figures

    def _share(self, row: _Wanted) -> Figure:
        held = [
            verdict.holds[row.criterion]
            for answer, verdict in self.answers
            if row.kind in (answer.check.kind, _OVERALL) and row.criterion in verdict.holds
        ]
        reached = sum(held) / len(held) if held else None
        return Figure(row.what, len(held), reached, "%", row.bound)

    def _looping(self) -> Figure:
        looping = sum(not verdict.holds["no loop"] for _, verdict in self.answers)
        count = len(self.answers)
        return Figure("answers with a loop", count, looping / count, "%", Bound("below", 0.005))


def _perplexity_figures(served: Perplexity | None, fp32: Perplexity | None) -> list[Figure]:
    value, tokens = (None, 0) if served is None else (served.value, served.tokens)
    figures = [Figure("perplexity of held-out dialogue", tokens, value, "", None)]
    if served is not None and fp32 is not None:
        lost = served.value / fp32.value - 1
        figures += [
            Figure("the same with fp32 weights", fp32.tokens, fp32.value, "", None),
            Figure("lost by rounding weights", tokens, lost, "%", Bound("below", 0.02)),
        ]
    return figures


def _speed_figures(speed: Speed) -> list[Figure]:
    first, rate = speed.first_token_seconds, speed.tokens_per_second
    return [
        Figure("start to ready", 1, speed.start_seconds, "s", Bound("below", 2.0)),
        Figure("start to first text", 1, first, "s", None),
        Figure("speed for one client", 1, rate, "tok/s", Bound("at least", 150.0)),
    ]


def _answer_json(answer: Answer, verdict: Verdict) -> dict[str, Any]:
    turn = answer.turn.answer
    return {
        "kind": answer.check.kind,
        "id": answer.check.id,
        "question": answer.check.messages[-1].content,
        "expect": answer.check.expect,
        "answer": turn if isinstance(turn, str | None) else asdict(turn),
        "call": isinstance(turn, ToolCall),
        "tokens": len(answer.ids),
        "holds": dict(verdict.holds),
        "note": verdict.note,
    }
