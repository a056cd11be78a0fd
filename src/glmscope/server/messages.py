"""`messages`: a conversation as a list of roles and contents, the same on every wire."""

from __future__ import annotations

from collections.abc import Mapping

from glmscope.chat.request import Message, Role
from glmscope.errors import InvalidParameter
from glmscope.server import fields
from glmscope.server.past_calls import read_past_calls


def read_message_list(messages: object, roles: Mapping[str, Role]) -> tuple[Message, ...]:
    """Messages in any order; `roles` are the wire's names for them.

    Raises InvalidParameter for wrong shapes and other roles.
    """
    if not isinstance(messages, list):
        raise InvalidParameter("messages should be a list.", param="messages")
    return tuple(
        _message(message, f"messages[{index}]", roles) for index, message in enumerate(messages)
    )


def read_messages(messages: object, roles: Mapping[str, Role]) -> tuple[Message, ...]:
    """A conversation that ends with what is to be answered, else as `read_message_list`.

    Raises InvalidParameter also for another end.
    """
    conversation = read_message_list(messages, roles)
    if not conversation or conversation[-1].role not in ("user", "tool"):
        raise InvalidParameter(
            'The last message should have the role "user" or "tool".', param="messages"
        )
    return conversation


def _message(message: object, where: str, roles: Mapping[str, Role]) -> Message:
    if not isinstance(message, dict):
        raise InvalidParameter(f"{where} should be an object.", param=where)
    role = message.get("role")
    if not isinstance(role, str) or role not in roles:
        names = ", ".join(dict.fromkeys(roles.values()))
        raise InvalidParameter(f"{where}.role should be one of {names}.", param=f"{where}.role")
    calls = read_past_calls(message, where)
    if calls and roles[role] != "assistant":
        raise InvalidParameter(f"{where} has calls, but is no assistant message.", param=where)
    content = message.get("content")
    if content is None and calls:
        return Message("assistant", "", calls)
    text = _content(content, f"{where}.content")
    call_id = message.get("tool_call_id") if roles[role] == "tool" else None
    if call_id is not None:
        call_id = fields.text(call_id, f"{where}.tool_call_id")
    return Message(roles[role], text, calls, call_id)


def _content(content: object, where: str) -> str:
    """A string, or text parts, which are joined."""
    if not isinstance(content, list):
        return fields.text(content, where)
    return "".join(_text_part(part, f"{where}[{index}]") for index, part in enumerate(content))


def _text_part(part: object, where: str) -> str:
    if not isinstance(part, dict) or part.get("type") not in (None, "text"):
        raise InvalidParameter(
            f"{where} should be a text part; this model reads text only.", param=where
        )
    return fields.text(part.get("text"), f"{where}.text")
