"""How much of a conversation a model reads, and how an over-long one is shortened."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from glmscope.chat.request import Message
from glmscope.errors import InvalidParameter


@dataclass(frozen=True, slots=True)
class Limits:
    """What one model accepts and gives, in tokens as usage counts them.

    `input` counts message contents alone (see `Usage`), `output` the generated ids; their sum
    never exceeds `context`. Where `input` equals `context` (chatglm-6b-v2: 6500 and 6500) one
    token stays free for the reply, so the longest input is then `context - 1`. What the template
    adds counts only against the engine's positions. Source: DashScope protocol, section 3.1.
    """

    context: int
    input: int
    output: int

    @property
    def longest_input(self) -> int:
        """Largest input that leaves room for a reply of at least one token."""
        return min(self.input, self.context - 1)


@dataclass(frozen=True, slots=True)
class Counted:
    """A message and the length of its content encoded alone."""

    message: Message
    tokens: int


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What is left of a conversation, its prompt, and what had to go."""

    messages: tuple[Message, ...]
    prompt_ids: list[int]
    input_tokens: int
    dropped_turns: int
    dropped_tokens: int


def trim(
    conversation: Sequence[Counted],
    limits: Limits,
    max_positions: int,
    prompt: Callable[[Sequence[Message]], list[int]],
) -> Trimmed:
    """Drop the oldest whole turns until input limit and network both hold the conversation.

    The system message stays, and so does the last turn, from the last user message on. Dropping
    stops as soon as the reply has room for one token; a model whose network is smaller than its
    `Limits` should therefore be served with limits that fit it.

    Raises InvalidParameter, naming the largest input that would have passed, when even the last
    turn with the system message is too long, and when there is no input at all.
    """
    system, turns = _split_turns(conversation)
    last = len(turns) - 1

    def without(dropped: int) -> list[Counted]:
        return system + [counted for turn in turns[dropped:] for counted in turn]

    def prompt_without(dropped: int) -> list[int]:
        return prompt(_messages(without(dropped)))

    # Counts alone decide first: they are at hand, and they bound what a prompt is built from.
    total = input_tokens = _tokens(conversation)
    dropped = 0
    while input_tokens > limits.longest_input and dropped < last:
        input_tokens -= _tokens(turns[dropped])
        dropped += 1
    if input_tokens > limits.longest_input:
        raise _out_of_range(limits.longest_input)

    prompt_ids = prompt_without(dropped)
    if len(prompt_ids) >= max_positions and dropped < last:
        dropped = bisect_left(
            range(last),
            True,
            lo=dropped + 1,
            key=lambda dropped: len(prompt_without(dropped)) < max_positions,
        )
        prompt_ids = prompt_without(dropped)
        input_tokens = _tokens(without(dropped))
    if len(prompt_ids) >= max_positions or input_tokens < 1:
        template = len(prompt_ids) - input_tokens
        raise _out_of_range(min(limits.longest_input, max_positions - 1 - template))
    return Trimmed(
        messages=_messages(without(dropped)),
        prompt_ids=prompt_ids,
        input_tokens=input_tokens,
        dropped_turns=dropped,
        dropped_tokens=total - input_tokens,
    )


def check_input(input_tokens: int, prompt_length: int, limits: Limits, max_positions: int) -> None:
    """Refuse a prompt that cannot be shortened and leaves no room for a reply of one token.

    Raises InvalidParameter, naming the largest input that would have passed.
    """
    template = prompt_length - input_tokens
    longest = min(limits.longest_input, max_positions - 1 - template)
    if not 1 <= input_tokens <= longest:
        raise _out_of_range(longest)


def _split_turns(
    conversation: Sequence[Counted],
) -> tuple[list[Counted], list[list[Counted]]]:
    """The leading system message, if any, and the turns: a user message and all that follows it.

    What stands before the first user message is a turn of its own.
    """
    has_system = bool(conversation) and conversation[0].message.role == "system"
    system = list(conversation[:has_system])
    turns: list[list[Counted]] = []
    for counted in conversation[has_system:]:
        if counted.message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(counted)
    return system, turns


def _tokens(conversation: Sequence[Counted]) -> int:
    return sum(counted.tokens for counted in conversation)


def _messages(conversation: Sequence[Counted]) -> tuple[Message, ...]:
    return tuple(counted.message for counted in conversation)


def _out_of_range(longest: int) -> InvalidParameter:
    return InvalidParameter(f"Range of input length should be [1, {max(longest, 1)}]")
