"""What became of a request, as a reply knows it: the exact ids, and why it ended.

These are facts in memory while a reply is read; whoever keeps them longer decides for how long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from glmscope.engine.engine import Sampling
from glmscope.text.call_reading import Repair
from glmscope.text.tokenizer import Tokenizer

EndKind = Literal["token", "stop_string", "stop_sequence", "limit", "loop"]
TokenRole = Literal["special", "text", "system", "user", "assistant", "observation"]

Outcome = Literal["done", "failed", "repeated", "refused"]
"""Of a call that the server runs; `repeated`: not run, because it had been before; `refused`: not
run or not to its end, because a limit was met."""


@dataclass(frozen=True, slots=True)
class ReplyEnd:
    """What ended a choice."""

    kind: EndKind
    what: int | str | tuple[int, ...] | None = None
    """The stop id, the stop string, the stop sequence, the ids of a round of the loop; of a limit
    there is nothing to say. None for a stop id as well, where the engine does not tell."""


@dataclass(frozen=True, slots=True)
class PartReading:
    """What was made of a part of a turn that was generated with tools at hand.

    A `call` may have needed repairs; of a `text` that did not begin as one, or that could not be
    read as the call it began as, the reason is told. Neither quotes the text.
    """

    kind: Literal["call", "text"]
    repairs: tuple[Repair, ...] = ()
    reason: str | None = None


@dataclass(slots=True)
class ChoiceTrace:
    """What was generated for one choice, so far."""

    ids: list[int] = field(default_factory=list)
    """All of them: those of a stop string, a stop sequence or a loop included, the stop id not."""
    end: ReplyEnd | None = None
    """None while it goes on, and when it broke off."""
    readings: Sequence[PartReading] = ()
    """In the order of the parts; plain answers are not listed."""
    discarded: list[int] = field(default_factory=list)
    """Of every earlier try, which ended in a loop and was thrown away, how many ids it made."""

    def discard(self) -> None:
        """Begin again."""
        self.discarded.append(len(self.ids))
        self.ids.clear()
        self.end = None


@dataclass(frozen=True, slots=True)
class StepTrace:
    """What the server ran because a reply called it; quotes neither the call nor the result."""

    plugin: str
    outcome: Outcome
    seconds: float = 0.0
    characters: int = 0
    """Of the result, as the model reads it."""


@dataclass(frozen=True, slots=True)
class ReplyTrace:
    """One reply: what the engine was given, and what it made of it."""

    prompt_ids: Sequence[int]
    input_tokens: int
    dropped_turns: int
    dropped_tokens: int
    sampling: Sampling
    """As applied: with defaults filled in and limits taken into account."""
    choices: tuple[ChoiceTrace, ...]
    steps: list[StepTrace] = field(default_factory=list)
    """What the server ran after this reply, before the next one of the same request."""

    @property
    def loops(self) -> int:
        """How many texts the loop brake has ended, those that were thrown away included."""
        ends = (choice.end for choice in self.choices if choice.end is not None)
        discarded = sum(len(choice.discarded) for choice in self.choices)
        return discarded + sum(end.kind == "loop" for end in ends)


@dataclass(frozen=True, slots=True)
class TracedToken:
    """An id by name: `[gMASK]`, `<|user|>`, `▁你`, `<0x0A>`."""

    id: int
    piece: str
    role: TokenRole
    """`special` for what no text encodes to, else whose text it is; `text` where the prompt's
    format marks no roles by ids (ChatGLM2, and texts to be continued)."""


def name_tokens(
    tokenizer: Tokenizer, ids: Iterable[int], role: TokenRole = "text"
) -> Iterator[TracedToken]:
    """Name ids, role by role as special ids open them; before the first one they are `role`'s."""
    special = tokenizer.special
    roles: dict[int | None, TokenRole] = {
        special.system: "system",
        special.user: "user",
        special.assistant: "assistant",
        special.observation: "observation",
    }
    for token_id in ids:
        role = roles.get(token_id, role)
        is_text = token_id < tokenizer.piece_count and token_id != special.eos
        yield TracedToken(token_id, tokenizer.piece(token_id), role if is_text else "special")
