"""The texts that `glmscope convert --calibrate` looks at: a JSONL file, read as a model reads it.

{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
{"text": "…"}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glmscope.errors import UsageError
from glmscope.evaluate.checks import read_message
from glmscope.family import Family
from glmscope.text.prompt import PromptMessage, chatglm2_text, chatglm3_dialogue
from glmscope.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class CalibrationTexts:
    """The ids of each text, how many the file holds, and how many of those here were cut."""

    ids: list[list[int]]
    found: int
    cut: int

    @property
    def tokens(self) -> int:
        """How many ids there are in all."""
        return sum(map(len, self.ids))

    def __str__(self) -> str:
        which = f"{len(self.ids)} texts" + f" of {self.found}" * (self.found > len(self.ids))
        cut = f", {self.cut} of them cut" if self.cut else ""
        return f"Calibrating on {which}, {self.tokens} tokens{cut}."


def read_calibration_texts(
    path: Path, tokenizer: Tokenizer, count: int, tokens: int
) -> CalibrationTexts:
    """At most `count` texts, spread evenly over the file; of each its first `tokens` ids.

    Raises UsageError for a file that cannot be read or holds none, and, naming the line, for one
    that is no text, or is a dialogue that the model's family has no form for.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{path} cannot be read: {reason}.") from None
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise UsageError(f"{path} holds no text to calibrate on.")
    taken = min(count, len(rows))
    ids: list[list[int]] = []
    for number, line in (rows[index * len(rows) // taken] for index in range(taken)):
        try:
            ids.append(_ids(tokenizer, json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            reason = _reason(error)
            raise UsageError(f"{path}, line {number} is no calibration text: {reason}.") from None
    cut = sum(len(each) > tokens for each in ids)
    return CalibrationTexts([each[:tokens] for each in ids], len(rows), cut)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return "it is not JSON"
    if isinstance(error, ValueError):
        return str(error).rstrip(".")
    return "its messages are not objects with a role and a content"


def _ids(tokenizer: Tokenizer, row: object) -> list[int]:
    if not isinstance(row, dict) or ("messages" in row) == ("text" in row):
        raise ValueError('it is not an object with "messages" or "text"')
    if "text" in row:
        if not isinstance(row["text"], str):
            raise ValueError('"text" is none')
        return tokenizer.encode_with_prefix(row["text"])
    messages = [read_message(each) for each in row["messages"]]
    if not messages:
        raise ValueError("it has no messages")
    if tokenizer.family is Family.CHATGLM2:
        return _chatglm2_dialogue(tokenizer, messages)
    return chatglm3_dialogue(tokenizer, messages)[0]


def _chatglm2_dialogue(tokenizer: Tokenizer, messages: Sequence[PromptMessage]) -> list[int]:
    questions, answers = messages[0::2], messages[1::2]
    if len(questions) != len(answers) or any(
        message.role != role
        for role, those in (("user", questions), ("assistant", answers))
        for message in those
    ):
        raise ValueError("ChatGLM2 has a form for user and assistant in turn, and no other")
    contents = [
        (asked.content, said.content) for asked, said in zip(questions, answers, strict=True)
    ]
    *turns, (query, answer) = contents
    return tokenizer.encode_pair(chatglm2_text(turns, query), answer)
