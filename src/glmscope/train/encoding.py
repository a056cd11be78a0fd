"""Dialogues → token ids with the places that count in the loss: the assistant's own words.

The prompts are those that serving builds (`text/prompt.py`); what the model must learn to write is
its metadata line, its content and the id that ends the turn.
Source: ChatGLM specification, sections 8.1 to 8.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glmscope.text.prompt import PromptMessage, chatglm2_prompt, chatglm3_continuation
from glmscope.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids, and for each whether the model is to learn to write it."""

    ids: list[int]
    learned: list[bool]

    def __len__(self) -> int:
        return len(self.ids)


class _Writer:
    def __init__(self) -> None:
        self.ids: list[int] = []
        self.learned: list[bool] = []

    def add(self, ids: Sequence[int], learned: bool = False) -> None:
        self.ids += ids
        self.learned += [learned] * len(ids)

    def example(self) -> Example:
        return Example(self.ids, self.learned)


def chatglm3_example(tokenizer: Tokenizer, messages: Sequence[PromptMessage]) -> Example:
    """A dialogue in roles; each assistant turn ends with the id that generation stops at."""
    writer = _Writer()
    writer.add(tokenizer.prefix_ids)
    turn_is_open = False  # the assistant's turn before awaits its end: the next role's id
    for message in messages:
        # Up to and with this message's content; the last id is the `<|assistant|>` that follows.
        header_and_content = chatglm3_continuation(tokenizer, [message])[:-1]
        writer.add(header_and_content[:1], learned=turn_is_open)
        by_assistant = message.role == "assistant"
        writer.add(header_and_content[1:], learned=by_assistant)
        turn_is_open = by_assistant
    if turn_is_open:
        called = bool(messages[-1].metadata)
        following = PromptMessage("observation" if called else "user", "")
        writer.add(chatglm3_continuation(tokenizer, [following])[:1], learned=True)
    return writer.example()


def chatglm2_example(tokenizer: Tokenizer, messages: Sequence[PromptMessage]) -> Example:
    """A plain dialogue in numbered rounds, of which the last answer and the end token are learned.

    As in serving, a system text stands directly in front of the question that is asked.
    """
    system = messages[0].content if messages[0].role == "system" else ""
    *earlier, question, answer = (one.content for one in messages if one.role != "system")
    turns = list(zip(earlier[::2], earlier[1::2], strict=True))
    prompt = chatglm2_prompt(tokenizer, turns, system + question)
    written = [*tokenizer.encode(answer), tokenizer.special.eos]
    return Example([*prompt, *written], [False] * len(prompt) + [True] * len(written))
