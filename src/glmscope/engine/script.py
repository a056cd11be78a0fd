"""What a scripted engine says: rules from a JSON file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from glmscope.engine import rules_file
from glmscope.errors import UsageError
from glmscope.names import check_known

QUESTION = "{question}"
"""Stands in a reply for the message that is being answered."""
PROMPT = "{prompt}"
"""Stands in a reply for the whole prompt as text, role markers and all."""
_PLACEHOLDER = re.compile(f"{re.escape(QUESTION)}|{re.escape(PROMPT)}")

_LONGEST_DELAY_MS = 3_600_000
_LEAST = {"repeat": 1, "ids_per_step": 1, "error_after": 0}
"""Fields that hold integers, and the smallest value of each."""

ReplyPart = tuple[str, ...]
"""Wordings of one stretch of a reply; sampling chooses among them, the first one is the greedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A reply, and the messages that get it."""

    reply: tuple[ReplyPart, ...]
    match: tuple[str, ...] = ()
    """Strings that the message must all contain; with none, the rule fits every message."""
    exact: bool = False
    """Whether the message must instead equal one of `match`, white space around it aside."""
    repeat: int = 1
    """How many times the reply is said."""
    delay_ms: float = 0.0
    """Milliseconds an id takes."""
    ids_per_step: int = 1
    error_after: int | None = None
    """Fail, as a network may, once so many ids have been generated."""

    def fits(self, question: str) -> bool:
        """Whether this rule answers the message."""
        if self.exact:
            return question.strip() in self.match
        return all(text in question for text in self.match)

    def text(self, question: str, prompt: str, choices: Sequence[int]) -> str:
        """The reply in the wordings that `choices` gives, one number for each part."""
        wordings = (
            part[choice % len(part)] for part, choice in zip(self.reply, choices, strict=True)
        )
        stands_for = {QUESTION: question, PROMPT: prompt}
        once = _PLACEHOLDER.sub(lambda found: stands_for[found[0]], "".join(wordings))
        return once * self.repeat


@dataclass(frozen=True, slots=True)
class Script:
    """Rules in order: the first that fits a message answers it.

    A file is a JSON object `{"rules": [...]}`; each rule has `reply` (a string, or a list of
    strings and of lists of strings: wordings to choose from; `{question}` stands for the message,
    `{prompt}` for the whole prompt) and may have `match` (a string or a list), `exact`, `repeat`,
    `delay_ms`, `ids_per_step` and `error_after`, as described at `Rule`. A message that no rule
    fits gets an empty reply.
    """

    rules: tuple[Rule, ...]

    @classmethod
    def builtin(cls) -> Script:
        """Greets, introduces Hangzhou, and says every other message back."""
        path = resources.files(__package__) / "script.json"
        return cls.from_json(path.read_text(encoding="utf-8"), "the built-in script")

    @classmethod
    def from_file(cls, path: Path) -> Script:
        """Read a script. Raises UsageError naming the file and what is wrong with it."""
        return cls.from_json(rules_file.read_text(path, "script"), str(path))

    @classmethod
    def from_json(cls, text: str, source: str) -> Script:
        """Parse a script; `source` names it in errors. Raises UsageError."""
        rules = rules_file.parse(text, f"The script {source}")["rules"]
        return cls(
            tuple(
                _rule(rule, f"rule {number} of the script {source}")
                for number, rule in enumerate(rules, start=1)
            )
        )

    def rule_for(self, question: str) -> Rule:
        """The first rule that fits, else one with an empty reply."""
        return next((rule for rule in self.rules if rule.fits(question)), Rule(reply=()))


def _rule(value: object, where: str) -> Rule:
    if not isinstance(value, dict):
        raise UsageError(f"Not an object: {where}.")
    check_known(value, [field.name for field in fields(Rule)], f"In {where}: unknown name")
    if "reply" not in value:
        raise UsageError(f'No "reply" in {where}.')
    for name in value:
        _check(name, value[name], where)
    given: dict[str, Any] = dict(value)
    given["reply"] = _reply(value["reply"], where)
    given["match"] = _strings(value.get("match", []), f'"match" in {where}')
    return Rule(**given)


def _check(name: str, value: object, where: str) -> None:
    """Refuse a value that is of the wrong kind for a field other than the texts."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    wanted = ""
    if name == "exact" and not isinstance(value, bool):
        wanted = "true or false"
    elif name == "delay_ms" and not 0 <= number <= _LONGEST_DELAY_MS:
        wanted = f"a number of milliseconds from 0 to {_LONGEST_DELAY_MS}"
    elif name in _LEAST and not (isinstance(number, int) and number >= _LEAST[name]):
        wanted = f"an integer of at least {_LEAST[name]}"
    if wanted:
        raise UsageError(f'"{name}" must be {wanted} in {where}.')


def _reply(value: object, where: str) -> tuple[ReplyPart, ...]:
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise UsageError(f'"reply" must be a string or a list of parts in {where}.')
    return tuple(_strings(part, f'each part of "reply" in {where}', least=1) for part in parts)


def _strings(value: object, what: str, least: int = 0) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if (
        not isinstance(texts, list)
        or len(texts) < least
        or not all(isinstance(text, str) for text in texts)
    ):
        raise UsageError(f"A string or a list of strings is wanted for {what}.")
    return tuple(texts)
