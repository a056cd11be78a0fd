"""Messages of a request as the prompt of a model family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from glmscope.chat.request import Message, Role
from glmscope.errors import InvalidParameter
from glmscope.family import Family
from glmscope.text.prompt import PromptMessage, chatglm2_prompt, chatglm3_prompt
from glmscope.text.tokenizer import Tokenizer

PromptBuilder = Callable[[Sequence[Message]], list[int]]

_CHATGLM3_ROLES: dict[Role, Literal["system", "user", "assistant", "observation"]] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "observation",
}


def prompt_builder(tokenizer: Tokenizer, *, content_only: bool = False) -> PromptBuilder:
    """The function that writes a conversation as prompt ids in the tokenizer's family's format.

    A ChatGLM3 turn begins with a header line, which the model writes itself. With `content_only`
    the prompt says it (that of a turn which calls no tool), so that all that follows is content.
    """
    if tokenizer.family is Family.CHATGLM2:
        return lambda messages: _chatglm2(tokenizer, messages)
    header = tokenizer.encode("\n") if content_only else []
    return lambda messages: [*_chatglm3(tokenizer, messages), *header]


def check_conversation(family: Family, messages: Sequence[Message]) -> None:
    """Refuse what the family's format cannot express; nothing is left out or moved silently.

    Raises InvalidParameter for a system message that is not the first one, for a conversation
    that ends otherwise than in a user or tool message, and for tool messages in the ChatGLM2
    format, which has no place for them. (Model specification, sections 8.1 and 8.2.)
    """
    if not messages or messages[-1].role not in ("user", "tool"):
        raise InvalidParameter('The last message must have the role "user" or "tool".')
    if any(message.role == "system" for message in messages[1:]):
        raise InvalidParameter('Only the first message may have the role "system".')
    if family is Family.CHATGLM2 and any(message.role == "tool" for message in messages):
        raise InvalidParameter('This model does not support messages with the role "tool".')


def _chatglm3(tokenizer: Tokenizer, messages: Sequence[Message]) -> list[int]:
    return chatglm3_prompt(
        tokenizer,
        [PromptMessage(_CHATGLM3_ROLES[message.role], message.content) for message in messages],
    )


def _chatglm2(tokenizer: Tokenizer, messages: Sequence[Message]) -> list[int]:
    """Rounds; the system text stands directly in front of the query that is being asked.

    So does the official API demo (model specification, section 8.1): earlier rounds are written
    without it. A question that got no answer is a round with an empty one, and so is an answer
    without a question; answers in a row are one answer of several lines.
    """
    system = messages[0].content if messages[0].role == "system" else ""
    rounds: list[tuple[str, list[str]]] = []
    for message in messages[:-1]:
        if message.role == "user":
            rounds.append((message.content, []))
        elif message.role == "assistant":
            if not rounds:
                rounds.append(("", []))
            rounds[-1][1].append(message.content)
    turns = [(question, "\n".join(answers)) for question, answers in rounds]
    return chatglm2_prompt(tokenizer, turns, system + messages[-1].content)
