"""`input` of a generation request → messages. DashScope protocol, section 3.2."""

from __future__ import annotations

from collections.abc import Iterator

from glmscope.chat.request import Message, Role
from glmscope.errors import InvalidParameter
from glmscope.server import fields
from glmscope.server.fields import Fields
from glmscope.server.messages import read_messages

_ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "bot": "assistant",
    "tool": "tool",
}


def read_conversation(given: Fields) -> tuple[Message, ...]:
    """The conversation in `messages`, else in `prompt` with its optional `history`.

    A request that holds both means its `messages`. Raises InvalidParameter for neither, for wrong
    shapes, and when the last message is not one to be answered.
    """
    messages = given.get("messages")
    if messages is not None and messages != []:
        return read_messages(messages, _ROLES)
    prompt = given.get("prompt")
    if prompt is None:
        raise InvalidParameter('Either "prompt" or "messages" must exist and cannot both be none.')
    turns = _from_history(given.get("history"))
    return (*turns, Message("user", fields.text(prompt, "prompt")))


def _from_history(history: object) -> Iterator[Message]:
    if history is None:
        return
    if not isinstance(history, list):
        raise InvalidParameter("history should be a list.")
    for index, turn in enumerate(history):
        question, answer = _turn(turn, f"history[{index}]")
        yield Message("user", question)
        yield Message("assistant", answer)


def _turn(turn: object, where: str) -> tuple[str, str]:
    """One turn in either form: {"user": .., "bot": ..}, or ChatGLM's own [question, answer]."""
    if isinstance(turn, dict):
        return (
            fields.text(turn.get("user"), f"{where}.user"),
            fields.text(turn.get("bot"), f"{where}.bot"),
        )
    if isinstance(turn, list) and len(turn) == 2:
        question, answer = turn
        return fields.text(question, f"{where}[0]"), fields.text(answer, f"{where}[1]")
    raise InvalidParameter(
        f'{where} should be {{"user": question, "bot": answer}} or [question, answer].'
    )
