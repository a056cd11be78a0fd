"""`input` of a generation request → messages. DashScope protocol, section 3.2."""

from __future__ import annotations

from collections.abc import Iterator

from glmscope.chat.request import Message, Role
from glmscope.errors import InvalidParameter
from glmscope.server import fields
from glmscope.server.fields import Fields
from glmscope.server.messages import read_message_list, read_messages

_ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "bot": "assistant",
    "tool": "tool",
    "plugin": "tool",
}


def read_conversation(given: Fields) -> tuple[Message, ...]:
    """The conversation in `messages`, else in `prompt` with its optional `history`.

    A request that holds both means its `messages`. Raises InvalidParameter for neither, for wrong
    shapes, and when the last message is not one to be answered.
    """
    if _has_messages(given):
        return read_messages(given["messages"], _ROLES)
    if given.get("prompt") is None:
        raise InvalidParameter('Either "prompt" or "messages" must exist and cannot both be none.')
    return tuple(_from_turns(given))


def read_contents(given: Fields) -> tuple[Message, ...]:
    """As `read_conversation`, for counting: it may end anyhow, and `history` may stand alone."""
    if _has_messages(given):
        return read_message_list(given["messages"], _ROLES)
    contents = tuple(_from_turns(given))
    if not contents:
        raise InvalidParameter('One of "prompt", "messages" and "history" must exist.')
    return contents


def _has_messages(given: Fields) -> bool:
    return given.get("messages") not in (None, [])


def _from_turns(given: Fields) -> Iterator[Message]:
    """What `history` and `prompt` hold."""
    yield from _from_history(given.get("history"))
    prompt = given.get("prompt")
    if prompt is not None:
        yield Message("user", fields.text(prompt, "prompt"))


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
