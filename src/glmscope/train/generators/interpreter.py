"""Dialogues with the code interpreter: a question, code, what it prints, the answer.

The format is that of the ChatGLM specification, section 8.2 "Code interpreter". What code prints
is worked out by the modules `interpreter_*`, which never run it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from glmscope.text.prompt import INTERPRETER_SYSTEM, PromptMessage
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators import chat, cities
from glmscope.train.generators.interpreter_clock import clock_exchanges
from glmscope.train.generators.interpreter_dates import date_exchanges
from glmscope.train.generators.interpreter_errors import error_exchanges
from glmscope.train.generators.interpreter_files import file_exchanges
from glmscope.train.generators.interpreter_lists import list_exchanges
from glmscope.train.generators.interpreter_material import (
    Desk,
    Exchange,
    Language,
    Material,
)
from glmscope.train.generators.interpreter_plots import plot_exchanges
from glmscope.train.generators.interpreter_rounding import now_and_then_rounded
from glmscope.train.generators.interpreter_series import series_exchanges
from glmscope.train.generators.interpreter_spoken import spoken_exchanges
from glmscope.train.generators.interpreter_stories import story_exchanges
from glmscope.train.generators.interpreter_sums import (
    expression_exchanges,
    problem_exchanges,
    sum_exchanges,
)
from glmscope.train.generators.interpreter_texts import text_exchanges
from glmscope.train.generators.interpreter_worked import worked_exchanges
from glmscope.train.generators.interpreter_worked_reading import has_problems

INTERPRETER = "interpreter"
"""The metadata of an assistant message that holds code."""

PLAIN_KIND = f"{INTERPRETER}_none"
"""The kind of dialogues in which the interpreter is offered and nothing needs it."""

_MAKERS: dict[str, tuple[int, Callable[[Desk], tuple[Exchange, ...]]]] = {
    "series": (18, series_exchanges),
    "sums": (30, sum_exchanges),
    "expressions": (9, expression_exchanges),
    "spoken": (14, spoken_exchanges),
    "lists": (12, list_exchanges),
    "problems": (160, problem_exchanges),
    "stories": (8, story_exchanges),
    "dates": (12, date_exchanges),
    "clock": (8, clock_exchanges),
    "texts": (9, text_exchanges),
    "plots": (4, plot_exchanges),
    "files": (3, file_exchanges),
    "errors": (2, error_exchanges),
    "worked": (6, worked_exchanges),
}
"""The sections with their weights: what is learned late is drawn often, but for worked problems,
which a model of this size hardly learns at all (docs/nano.md)."""
_PLAIN_SHARE = 0.1
_CHINESE_SHARE = 0.7
_FENCED_SHARE = 0.2
_TALK_SHARE = 0.06
_FURTHER = (0, 0, 0, 0, 0, 1, 1, 2, 2, 3)
"""How many further questions, about something else, a dialogue has."""
_GO_ON = (
    *("sums", "expressions", "spoken", "lists", "problems", "stories"),
    *("dates", "clock", "texts", "worked"),
)
_ROUNDED = ("sums", "expressions", "spoken", "lists", "problems", "stories")
"""Where now and then a result is wanted to so many decimals."""
_INTRODUCED_SHARE = 0.3

Messages: TypeAlias = list[PromptMessage]


def dialogues(
    rng: random.Random, count: int, data: Path, corpus: Path | None = None
) -> Iterator[Dialogue]:
    """Yield `count` dialogues, of which `_PLAIN_SHARE` need no code.

    English ones have worked problems among them where the folder `corpus` holds them.
    """
    material = Material(data, corpus)
    small_talk = _plain_dialogues(rng, count, data)
    for _ in range(count):
        language: Language = "zh" if rng.random() < _CHINESE_SHARE else "en"
        system = PromptMessage("system", _system(material, rng, language))
        if rng.random() < _PLAIN_SHARE:
            yield Dialogue(PLAIN_KIND, (system, *next(small_talk)))
            continue
        desk = Desk(material, rng, language)
        section = _section(desk, _MAKERS)
        exchanges = list(_made(desk, section))
        if section == "series":
            exchanges = _going_on(desk, exchanges)
        for _ in range(0 if section == "series" else rng.choice(_FURTHER)):
            exchanges += _introduced(desk, _made(desk, _section(desk, _GO_ON)))
        # A turn of small talk before the question must not make the code go away.
        before = next(small_talk)[:2] if rng.random() < _TALK_SHARE else []
        messages = [message for exchange in exchanges for message in _messages(exchange, rng)]
        yield Dialogue(f"{INTERPRETER}_{section}", (system, *before, *messages))


def _made(desk: Desk, section: str) -> tuple[Exchange, ...]:
    """The exchanges of a section; one that no other goes on from may be asked to be rounded."""
    exchanges = _MAKERS[section][1](desk)
    if section in _ROUNDED and len(exchanges) == 1:
        return (now_and_then_rounded(desk, exchanges[0]),)
    return exchanges


def _section(desk: Desk, names: Iterable[str]) -> str:
    """One of the sections, by weight; worked problems only where they are, in English."""
    has_worked = desk.language == "en" and has_problems(desk.material.corpus)
    sections = [name for name in names if name != "worked" or has_worked]
    return desk.rng.choices(sections, [_MAKERS[name][0] for name in sections])[0]


def _introduced(desk: Desk, exchanges: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
    """A further question, now and then with words that go on to it: 再算一个：…"""
    if desk.rng.random() > _INTRODUCED_SHARE:
        return exchanges
    first, *others = exchanges
    words = desk.choose(desk.pick(desk.material["frames"][f"{desk.language}_next"]))
    return (replace(first, question=words + first.question), *others)


def _going_on(desk: Desk, exchanges: list[Exchange]) -> list[Exchange]:
    """A series, in which each question after the first may be introduced."""
    later = [each for exchange in exchanges[1:] for each in _introduced(desk, (exchange,))]
    return [exchanges[0], *later]


def _plain_dialogues(rng: random.Random, count: int, data: Path) -> Iterator[Messages]:
    """Everyday dialogues and those about cities, without their system messages."""
    sources = [module.dialogues(rng, count, data) for module in (chat, chat, cities)]
    while True:
        dialogue = next(rng.choice(sources))
        yield [message for message in dialogue.messages if message.role != "system"]


def _system(material: Material, rng: random.Random, language: Language) -> str:
    english = rng.random() < (0.4 if language == "en" else 0.04)
    if english:
        return str(rng.choice(material["systems"]["en"]))
    if rng.random() < 0.15:
        return str(rng.choice(material["systems"]["zh"]))
    if rng.random() < 0.5:
        return INTERPRETER_SYSTEM.replace("ChatGLM", "ChatGLM3")
    return INTERPRETER_SYSTEM


def _messages(exchange: Exchange, rng: random.Random) -> Messages:
    messages = [PromptMessage("user", exchange.question)]
    for run in exchange.runs:
        messages.append(PromptMessage("assistant", f"```python\n{run.code}\n```", INTERPRETER))
        fenced = rng.random() < _FENCED_SHARE and run.output != "[Image]"
        output = f"```result\n{run.output}\n```" if fenced else run.output
        messages.append(PromptMessage("observation", output))
    return [*messages, PromptMessage("assistant", exchange.answer)]
