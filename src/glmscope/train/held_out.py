"""What the built-in model is judged by is not trained on, also where a generator hits it by chance.

The questions are those of `glmscope evaluate nano`; a question that has turns before it counts as
asked where all of them stand in one dialogue.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from glmscope.train.dialogue import Dialogue

QUESTIONS = Path(__file__).parents[1] / "evaluate" / "nano"


def asks_held_out(dialogue: Dialogue, questions: Path = QUESTIONS) -> bool:
    """Whether the user of `dialogue` asks one of the `questions`, with all that was said before."""
    held_out = _held_out(questions)
    said = [_plain(message.text) for message in dialogue.messages if message.role == "user"]
    return any(before <= set(said) for last in said for before in held_out.get(last, ()))


@cache
def _held_out(questions: Path) -> dict[str, list[frozenset[str]]]:
    """What users say up to each question, by the question itself."""
    found: dict[str, list[frozenset[str]]] = {}
    for path in sorted(questions.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            messages = json.loads(line)["messages"]
            if messages[-1]["role"] == "user":  # others are whole dialogues, for their likelihood
                said = [_plain(each["content"]) for each in messages if each["role"] == "user"]
                found.setdefault(said[-1], []).append(frozenset(said))
    return found


def _plain(text: str) -> str:
    return text.strip().casefold()
