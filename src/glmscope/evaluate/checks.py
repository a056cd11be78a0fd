"""The questions that a model is judged by, one JSON object a line.

    {"id": "…", "messages": [{"role", "content", "metadata"?, "tools"?}…], "expect": {…}}

The messages end with what is to be answered; `expect` is what the kind's judge looks at. Rows of
held-out dialogues end with the assistant's turn instead and expect nothing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from glmscope.errors import UsageError
from glmscope.text.prompt import PromptMessage, PromptRole

BUILT_IN = Path(__file__).parent / "nano"
KINDS = (
    "page",
    "cities",
    "city_follow_ups",
    "follow_ups",
    "identity",
    "english",
    "tools",
    "interpreter",
)
"""Kinds of questions; each has its judge (`judges.py`) and its file `KIND.jsonl`."""
ROUNDS = "rounds"
"""The questions about cities once more, in the format of ChatGLM2."""
HELD_OUT = "heldout_dialogues"
"""Whole dialogues whose likelihood is measured (`perplexity.py`)."""

_ROLES = frozenset(get_args(PromptRole))
_MESSAGE_FIELDS = frozenset({"role", "content", "metadata", "tools"})


@dataclass(frozen=True, slots=True)
class Check:
    """One question, or one held-out dialogue."""

    kind: str
    id: str
    messages: tuple[PromptMessage, ...]
    expect: dict[str, Any] = field(default_factory=dict)

    @property
    def offers_tools(self) -> bool:
        """Whether calls carry arguments, and not code (model specification, section 8.2)."""
        return self.messages[0].tools is not None

    @property
    def offered(self) -> frozenset[str]:
        """Names of the tools that are offered."""
        tools = self.messages[0].tools or ()
        # The registry of the original's demo is keyed by name; elsewhere it is a list.
        return frozenset(tools if isinstance(tools, dict) else (each["name"] for each in tools))


def read_checks(kind: str, directory: Path = BUILT_IN) -> list[Check]:
    """All checks of a kind, in its file's order; none where `directory` has no such file.

    Raises UsageError, naming file and line, for a row that cannot be asked.
    """
    if kind == ROUNDS:
        return [replace(check, kind=ROUNDS) for check in read_checks("cities", directory)]
    path = directory / f"{kind}.jsonl"
    if not path.is_file():
        return []
    checks: list[Check] = []
    seen: set[str] = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            check = _check(kind, json.loads(line))
            if check.id in seen:
                raise ValueError("its id is taken")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise UsageError(f"{path}, line {number} is no check: {reason}.") from None
        seen.add(check.id)
        checks.append(check)
    return checks


def draw_checks(checks: Sequence[Check], count: int | None, seed: int) -> list[Check]:
    """`count` of the checks, the same for a seed; all where there are not more, or for None."""
    if count is None or len(checks) <= count:
        return list(checks)
    return random.Random(seed).sample(checks, count)  # noqa: S311 (which questions, no secret)


def _check(kind: str, row: dict[str, Any]) -> Check:
    messages = tuple(read_message(each) for each in row["messages"])
    if not messages:
        raise ValueError("it has no messages")
    is_whole = messages[-1].role == "assistant"
    if is_whole != (kind == HELD_OUT):
        raise ValueError(f"its last message is of the role {messages[-1].role}")
    return Check(kind, str(row["id"]), messages, dict(row.get("expect") or {}))


def read_message(fields: dict[str, Any]) -> PromptMessage:
    """A message as the files of checks have it; raises ValueError or KeyError for none."""
    if unknown := fields.keys() - _MESSAGE_FIELDS:
        raise ValueError(f"a message has the field {min(unknown)}")
    role, content, metadata = fields["role"], fields["content"], fields.get("metadata") or ""
    if role not in _ROLES or not isinstance(content, str) or not isinstance(metadata, str):
        raise ValueError("a message has no known role, or no text")
    return PromptMessage(role, content, metadata, fields.get("tools"))
