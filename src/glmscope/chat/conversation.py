"""Messages of a request as the prompt of a model family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from glmscope.chat.observations import answered_in_turn
from glmscope.chat.request import Message, Role
from glmscope.chat.tools import ToolOffer
from glmscope.errors import InvalidParameter
from glmscope.family import Family
from glmscope.text.prompt import (
    INTERPRETER_SYSTEM,
    TOOLS_HEADER,
    PromptMessage,
    chatglm2_prompt,
    chatglm3_prompt,
)
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
    format, which has no place for them; and for a tool message that answers no call of the
    message before. (Model specification, sections 8.1 and 8.2.)
    """
    if not messages or messages[-1].role not in ("user", "tool"):
        raise InvalidParameter('The last message must have the role "user" or "tool".')
    if any(message.role == "system" for message in messages[1:]):
        raise InvalidParameter('Only the first message may have the role "system".')
    if family is Family.CHATGLM2:
        if any(message.role == "tool" for message in messages):
            raise InvalidParameter('This model does not support messages with the role "tool".')
        if any(message.calls for message in messages):
            raise InvalidParameter("This model does not support messages with tool_calls.")
    answered_in_turn(messages)


def offering(messages: Sequence[Message], offer: ToolOffer | None) -> tuple[Message, ...]:
    """The conversation with the offered tools in its system message, which is made if need be.

    The user's own system text stands first, then what offers the interpreter, then the tools as the
    network was trained to read them, with an empty line between each two.
    """
    if offer is None:
        return tuple(messages)
    has_system = bool(messages) and messages[0].role == "system"
    texts = [messages[0].content] if has_system and messages[0].content else []
    texts += [INTERPRETER_SYSTEM] * offer.interpreter
    texts += [TOOLS_HEADER] * bool(offer.tools)
    content = "\n\n".join(texts)
    system = Message("system", content, tools=tuple(tool.shown for tool in offer.tools))
    return (system, *messages[has_system:])


def read_contents(tokenizer: Tokenizer, message: Message) -> list[int]:
    """The ids of what a message holds for the model: texts, tools and calls, each encoded alone."""
    if tokenizer.family is Family.CHATGLM2:
        return tokenizer.encode(message.content)
    return [each for entry in _entries(message) for each in tokenizer.encode(entry.text)]


def _chatglm3(tokenizer: Tokenizer, messages: Sequence[Message]) -> list[int]:
    ordered = answered_in_turn(messages)
    return chatglm3_prompt(tokenizer, [entry for each in ordered for entry in _entries(each)])


def _entries(message: Message) -> list[PromptMessage]:
    """A message as the prompt has it: each call of an assistant message is an entry of its own."""
    role = _CHATGLM3_ROLES[message.role]
    tools = list(message.tools) or None
    calls = [PromptMessage("assistant", call.text, metadata=call.name) for call in message.calls]
    if calls and not message.content.strip():
        return calls
    return [PromptMessage(role, message.content, tools=tools), *calls]


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
