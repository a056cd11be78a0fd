"""Dialogues → token ids with the places that count in the loss: the assistant's own words.

The prompts are those that serving builds (`text/prompt.py`); what the model must learn to write is
its metadata line, its content and the id that ends the turn.
Source: ChatGLM specification, sections 8.1 to 8.3.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from glmscope.text.prompt import PromptMessage, chatglm2_prompt, chatglm3_dialogue
from glmscope.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids, and for each whether the model is to learn to write it.

    Where it is `renamable`, other words may stand for those that it copies (`renaming`).
    """

    ids: Sequence[int]
    learned: Sequence[bool]
    renamable: bool = False

    def __len__(self) -> int:
        return len(self.ids)


def chatglm3_example(
    tokenizer: Tokenizer,
    messages: Sequence[PromptMessage],
    read: Collection[int] = (),
    renamable: bool = False,
) -> Example:
    """A dialogue in roles, of which all that the assistant generates is learned.

    But not the messages at `read`, none of which may be the first.
    """
    ids, spoken = chatglm3_dialogue(tokenizer, messages)
    learned = [False] * len(ids)
    for place in spoken:
        learned[place] = True
    for place in read:
        start, end = (
            len(chatglm3_dialogue(tokenizer, messages[:count])[0]) for count in (place, place + 1)
        )
        learned[start:end] = [False] * (end - start)
    return Example(ids, learned, renamable)


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
