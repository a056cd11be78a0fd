"""Calls of an earlier turn, as a client hands an assistant message back."""

from __future__ import annotations

from typing import Any

from glmscope.agent.plugins import CODE_INTERPRETER
from glmscope.chat.past_calls import PastCall
from glmscope.errors import IllegalInput, InvalidParameter
from glmscope.server import fields, json_text
from glmscope.server.fields import Fields


def read_past_calls(message: Fields, where: str) -> tuple[PastCall, ...]:
    """`tool_calls` of a message, its old `function_call`, or its `plugin_call`.

    Raises InvalidParameter.
    """
    plugin = message.get("plugin_call")
    if plugin is not None:
        return (_plugin_call(plugin, f"{where}.plugin_call"),)
    calls = message.get("tool_calls")
    if calls is None or calls == []:
        single = message.get("function_call")
        if single is None:
            return ()
        return (_call(single, None, f"{where}.function_call"),)
    if not isinstance(calls, list):
        raise InvalidParameter(f"{where}.tool_calls should be a list.", param=f"{where}.tool_calls")
    return tuple(_listed(call, f"{where}.tool_calls[{n}]") for n, call in enumerate(calls))


def _listed(call: object, where: str) -> PastCall:
    if not isinstance(call, dict) or call.get("type") not in (None, "function"):
        raise InvalidParameter(f'{where} should be an object of the type "function".', param=where)
    call_id = call.get("id")
    if call_id is not None:
        call_id = fields.text(call_id, f"{where}.id")
    # An empty id is what a stream's merger leaves where there was none.
    return _call(call.get("function"), call_id or None, f"{where}.function")


def _plugin_call(call: object, where: str) -> PastCall:
    """As the messages of a reply with plugins tell it; code is an argument there."""
    if not isinstance(call, dict) or call.get("name") != CODE_INTERPRETER:
        return _call(call, None, where)
    arguments = _arguments(call.get("arguments"), f"{where}.arguments")
    return PastCall.of_code(None, fields.text(arguments.get("code"), f"{where}.arguments.code"))


def _call(function: object, call_id: str | None, where: str) -> PastCall:
    if not isinstance(function, dict):
        raise InvalidParameter(f"{where} should be an object.", param=where)
    name = fields.text(function.get("name"), f"{where}.name")
    arguments = _arguments(function.get("arguments"), f"{where}.arguments")
    return PastCall.checked(call_id, name, arguments, where)


def _arguments(given: object, where: str) -> dict[str, Any]:
    """The object that a JSON text holds; none at all where the text is empty."""
    text = "" if given is None else fields.text(given, where)
    try:
        return json_text.load_object(text.strip().encode() or b"{}")
    except IllegalInput:
        raise InvalidParameter(
            f"{where} should be a string that holds a JSON object.", param=where
        ) from None
