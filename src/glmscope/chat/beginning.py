"""What the prompts of all conversations that begin alike have in common."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from glmscope.chat.abilities import check_trained_for_tools
from glmscope.chat.conversation import check_conversation, offering, prompt_builder
from glmscope.chat.request import Message
from glmscope.chat.tools import ToolOffer
from glmscope.text.tokenizer import Tokenizer

_QUESTIONS = ("a", "问", "1", " ", "\n", "。")
"""A vocabulary may join the end of a text to what comes after it, here or there."""


def beginning_ids(
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    tools: ToolOffer | None = None,
    *,
    calls_tools: bool = True,
) -> list[int]:
    """The ids with which every prompt begins whose conversation begins so and offers these tools.

    `calls_tools`: whether the network was trained to. The format of ChatGLM2 puts the system text
    in front of the last question, so that there it begins the first round's prompts alone.

    Raises InvalidParameter for what the family's format cannot express.
    """
    if tools is not None:
        check_trained_for_tools(tokenizer.family, trained=calls_tools)
    conversations = [(*messages, Message("user", question)) for question in _QUESTIONS]
    if messages and messages[-1].role in ("user", "tool"):
        conversations.append(tuple(messages))
    build = prompt_builder(tokenizer)
    prompts: list[list[int]] = []
    for conversation in conversations:
        check_conversation(tokenizer.family, conversation)
        prompts.append(build(offering(conversation, tools)))
    columns = zip(*prompts, strict=False)
    return [ids[0] for ids in takewhile(lambda ids: len(set(ids)) == 1, columns)]
